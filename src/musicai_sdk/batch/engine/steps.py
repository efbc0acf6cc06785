"""The steps of a track, from any state to the end. The result of each step is on disk before the next step begins."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from typing import Any

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.budget import OverBudget
from musicai_sdk.batch.engine.client_warnings import ClientWarnings
from musicai_sdk.batch.engine.confirmation import JobListing, confirm_gone, contradiction
from musicai_sdk.batch.engine.decide import repeats_post
from musicai_sdk.batch.engine.expected_outputs import ExpectedOutputs
from musicai_sdk.batch.engine.failures import Draining, ResultsLost, RunFailed, describe
from musicai_sdk.batch.engine.recovery import LostJobFinder, Unproven, job_name, uncertain
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.events import ProgressTracker
from musicai_sdk.batch.inputs.bucket import Buckets
from musicai_sdk.batch.inputs.content import Version, changed_error, current_file, version
from musicai_sdk.batch.inputs.kinds import is_object
from musicai_sdk.batch.ledger.claim import ADOPT
from musicai_sdk.batch.ledger.ledger import Journal
from musicai_sdk.batch.ledger.states import FETCHABLE, JOBLESS, OPEN, TABLE, State
from musicai_sdk.batch.ledger.track import Overtaken, Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.destination import destination_for
from musicai_sdk.batch.results.output import OutputRecord
from musicai_sdk.batch.text import redacted
from musicai_sdk.errors import (
    CreateUncertainError,
    IntegrityError,
    MusicAiError,
    NotFoundError,
    ResponseError,
    ResultMissingError,
    TransferError,
)
from musicai_sdk.models import Job
from musicai_sdk.workflows import CustomWorkflow

_ABSENT = (
    "the answer to its paid request was lost, and the service lists no such job. Every run searches for it;"
    " retry_uncertain=True (--retry-uncertain) sends it again"
)
_FAILURE = ("error_code", "error_message", "ended_at")
"""The columns that describe a failure, and that a retry clears."""


class StillRunningError(TransferError):
    """The list of jobs and the job itself contradict each other."""


class Pipeline:
    """The steps of tracks. `advance` raises what a step raises; `RetryPolicy` decides what follows."""

    def __init__(
        self,
        client: AsyncMusicAiClient,
        journal: Journal,
        options: RunOptions,
        tracker: ProgressTracker,
        warn: Callable[[str], object],
    ) -> None:
        self.draining: bool = False
        self.committed: set[str] = set()
        """Tracks in a step that completes even while the run drains: a paid POST, a download."""
        self.unchecked: set[str] = set()
        """Finished tracks whose results are damaged or couldn't be checked, and couldn't be fetched again."""
        self._known_uncertain = set[str]()
        """Tracks that were uncertain before this run. A requested retry applies only to these."""
        self._retried = dict[str, dict[str, Any]]()
        """The failures of tracks that this run retries."""
        self._unlisted = set[str]()
        """The idempotency keys of lost POSTs for which this run has proven that no job exists."""
        self.read: dict[str, dict[str, Version]] = {}
        """The files whose content was just read for new tracks, with their versions then. The ledger has them too."""
        self._jobs = dict[str, str]()
        """The tracks under way, by the ids of their jobs."""
        self._client = client
        self._journal = journal
        self._options = options
        self._tracker = tracker
        self._destination = destination_for(options.bucket or options.out, options.declared)
        self._inputs = Buckets(options.inputs)
        self._warnings = ClientWarnings(warn)
        self._expected = ExpectedOutputs()
        self._listing = JobListing(client)
        self._finder = LostJobFinder(client, options.slug, options.grace, warn)
        self._uploads = asyncio.Semaphore(options.uploads)
        self._slots = asyncio.Semaphore(options.in_flight)
        self._downloads = asyncio.Semaphore(options.downloads)

    def expect_lost(self, tracks: Iterable[Track]) -> None:
        """Begins to search for the jobs of all tracks whose POST an earlier run may have sent.

        Args:
            tracks: All tracks that the run continues.
        """
        tracks = list(tracks)
        self._finder.known = [
            track.job_id
            for track in tracks
            if track.job_id and not {track.state, track.resume_at}.isdisjoint(FETCHABLE)
        ]
        for track in tracks:
            if track.state in OPEN:
                if TABLE[track.state].unsettled:
                    self._known_uncertain.add(track.key)
                if track.idempotency_key:
                    self._finder.expect(track)

    async def close(self) -> None:
        """Ends the tasks that run beside the tracks."""
        self._warnings.stop()
        await self._finder.close()
        await self._listing.close()

    async def advance(self, track: Track) -> None:
        """Processes a track as far as possible.

        Raises:
            ResultsLost: the track's results are missing, and the service no longer has its job.
            OverBudget: the track needs a job that the budget doesn't allow.
        """
        try:
            await self._advance(track)
        except OverBudget:
            failure = self._retried.pop(track.key, None)
            if failure is not None and track.state in JOBLESS and track.state not in OPEN:
                # Otherwise a later run would pay for the track again, without being asked to retry it.
                await self._journal.move(track, "failed", **failure)
            raise
        finally:
            if self._jobs.get(track.job_id or "") == track.key:
                del self._jobs[track.job_id or ""]

    async def _advance(self, track: Track) -> None:
        if track.state == "failed":
            await self._resume(track)
        if track.state == "verified":
            await self._restore(track)
        if track.state == "seen":
            await self._upload(track)
        job: Job[Any] | None = None
        if track.state in JOBLESS or track.state == "created":
            # Hold one slot of `in_flight` from before the POST until the job has ended.
            async with self._slots:
                job = await self._process(track)
        if track.state in FETCHABLE:
            async with self._downloads:
                await self._fetch(track, job)
        if track.state == "verified" and not self._options.keep_jobs:
            await self._delete(track)

    async def _resume(self, track: Track) -> None:
        """Returns a failed track to the state that it continues from."""
        self._begin(track)
        state: State = track.resume_at or "seen"
        if state in JOBLESS:
            # Ask once more about the job that failed or was gone: asking is free, a new job isn't.
            if track.job_id and not await self._listing.is_useless(track, track.job_id):
                state = "created"
            else:
                await self._check_budget(track)
        failure = {name: getattr(track, name) for name in _FAILURE}
        await self._journal.move(track, state, **dict.fromkeys(_FAILURE))
        self._retried[track.key] = failure

    async def _restore(self, track: Track) -> None:
        """Checks the results of an earlier run whose job was kept. Fetches damaged results again."""
        async with self._downloads:
            self._begin(track)
            self.unchecked.add(track.key)
            try:
                await self._stored(track, await self._recorded(track))
            except IntegrityError as error:
                # If the job is gone too, the track stays done, because the user may put the files back.
                with suppress(MusicAiError):  # a temporary error will also reach the download
                    try:
                        await self._listing.confirm_gone(
                            track, self._options.grace, lambda: self._client.jobs.get(track.job_id or "")
                        )
                    except NotFoundError:
                        raise ResultsLost(str(error)) from error
                await self._journal.move(track, "finished")
            self.unchecked.discard(track.key)

    async def _upload(self, track: Track) -> None:
        async with self._uploads:
            self._begin(track)

            def on_bytes(done: int, total: int | None) -> None:
                if (active := self._tracker.active.get(track.key)) is not None:
                    active.moved, active.total = done, total

            await self._check_budget(track)
            path, before = track.source, version(track.source)
            if before is None or before != self.read.pop(track.key, {}).get(path):
                # Not read just now, changed or renamed: the ledger may know the content by other files' names.
                known = await self._journal.read(lambda ledger: ledger.versions(track))
                path, before = await asyncio.to_thread(current_file, track, known)
            file = await self._client.files.upload(path, on_progress=on_bytes)
            if file.size != track.size or version(path) != before:
                raise changed_error(path)
            self._tracker.bytes_uploaded += file.size
            # If the service may have received the track's POST, keep the state that says so.
            state: State = "uploaded" if track.state == "seen" else track.state
            await self._journal.move(track, state, source=path, url=file.url, uploaded_at=time.time())

    async def _process(self, track: Track) -> Job[Any] | None:
        """Creates the track's job, unless it has one, and waits for its end."""
        # A refused POST doesn't settle an earlier POST whose job wasn't found.
        still_open = track.state in JOBLESS and track.idempotency_key and track.creating_at
        if (track.state in OPEN or still_open) and not await self._find_lost(track):
            return None
        if track.state in JOBLESS:
            await self._create(track)
        if track.state != "created":
            return None
        try:
            job = await self._wait(track)
        except NotFoundError as error:
            # Either the job is gone, or the answer to the POST was a wrong id, and the list has the job under its own.
            key = track.idempotency_key
            found = await self._finder.find(track) if key else None
            if isinstance(found, Job):
                listed: bool | None = found.id == track.job_id
            else:  # a search by the key may have proven that the job isn't listed
                proven = key and found is None
                listed = not proven and await self._listing.shows(track.job_id or "")
            if listed:
                raise contradiction(track) from error
            if not isinstance(found, Job):
                raise
            await self._lose_job(track)
            await self._keep_job(track, found.id)
            return await self._wait(track)
        if not self._finder.is_another(track, job):
            return job
        # The answer to the POST named another job, perhaps that of another track.
        await self._lose_job(track)
        return await self._wait(track) if await self._find_lost(track) and track.state == "created" else None

    async def _create(self, track: Track) -> None:
        """The paid step."""
        # The age is negative if the clock was set back.
        age = time.time() - (track.uploaded_at or 0.0)
        if not track.is_url and not (track.url and 0 <= age < self._options.upload_lifetime):
            # The service doesn't say how long it keeps an upload. A job with an expired upload costs money and fails.
            await self._upload(track)
        await self._check_folder(track)
        self._begin(track)
        # Everything that can fail without the service, such as signing, comes before the POST counts as sent.
        url = track.url or ""
        if track.is_url:
            # This run may have read the same input under a newer signature.
            url = await self._journal.read(lambda ledger: ledger.url(track))
        if is_object(url):
            url = await asyncio.to_thread(self._inputs.signed, url)
        params: dict[str, Any] = json.loads(track.params)
        workflow = CustomWorkflow(self._options.slug, {self._options.wire_input: url, **params})
        targets = await self._destination.upload_urls(track, workflow)
        with self._committing(track):
            key = track.idempotency_key or str(uuid.uuid4())
            unlisted = key in self._unlisted
            open_since = track.creating_at if track.idempotency_key else None
            self._unlisted.discard(key)
            await self._journal.move(track, "creating", idempotency_key=key, creating_at=time.time())
            try:
                # No job has this key: the key is new, or the job's absence was just proven.
                made = await self._client.jobs.create(
                    workflow,
                    name=job_name(track),
                    copy_results_to=targets,
                    idempotency_key=key,
                    recover=False,
                )
            except CreateUncertainError as error:
                message = f"the answer to its request was lost ({describe(error.__cause__ or error)[1]})"
                await self._journal.move(
                    track, "uncertain", error_code=type(error).__name__, error_message=message
                )
            except MusicAiError as error:
                # The service certainly didn't act: a lost answer raises CreateUncertainError.
                code, _ = describe(error)
                await self._journal.move(track, "uploaded", creating_at=open_since, error_code=code)
                if unlisted:
                    self._unlisted.add(key)
                if isinstance(error, NotFoundError):
                    raise RunFailed from error
                raise
            else:
                await self._keep_job(track, made.id)
                if self._jobs.setdefault(made.id, track.key) != track.key:
                    await self._lose_job(track)
        if track.state == "uncertain":
            await self._find_lost(track)

    async def _check_folder(self, track: Track) -> None:
        """Checks that the track's folder has no results of a paid job that the ledger doesn't know.

        A ledger that was replaced by an older copy of itself doesn't show it, but its output folder does.

        Raises:
            LedgerError: the folder has such results.
        """
        while True:
            found = await self._destination.contents(track.folder)
            # An older result belongs to a ledger that was archived, in order to pay for everything again.
            foreign = (
                found.results_at is not None
                and track.finished_at is None
                and found.results_at > await self._journal.read(lambda ledger: ledger.began_at())
            )
            if foreign and not self._options.adopt:
                raise LedgerError(
                    f"{track.folder!r} in the output folder has results of {redacted(track.source)!r} that the ledger"
                    f" {str(self._journal.path)!r} doesn't know: it is an older copy, and a run would pay for them again."
                    f" Restore the latest one; or continue by {ADOPT}, which keeps those results"
                )
            if not (foreign or found.outputs):
                return
            changed = await self._journal.write(lambda ledger: ledger.leave_folder(track))
            for name, value in changed.items():
                setattr(track, name, value)

    async def _find_lost(self, track: Track) -> bool:
        """Finds the job of a POST whose answer is unknown, if the service lists it within the grace period.

        Returns:
            Whether to go on: the job was found, or the POST may be sent again.

        Raises:
            CreateUncertainError: the list proves neither that the job exists nor that it doesn't, and the POST may not be
                sent again.
        """
        key = track.idempotency_key
        if key is None:  # the ledger is an older copy, and it is unknown whether a POST was sent
            return repeats_post(track.state, self._options, absent=False)
        # If a search after the last POST proved that no job has the key, another one would only take a grace period.
        if key not in self._unlisted:
            found = await self._finder.find(track)
            if isinstance(found, Unproven):
                self._finder.advise(found.reason)
                before = track.key in self._known_uncertain
                if not repeats_post(track.state, self._options, absent=False, uncertain_before=before):
                    raise uncertain(key, found.reason)
                self._known_uncertain.discard(track.key)
                return True
            if found is not None:
                await self._keep_job(track, found.id)
                return True
            await self._journal.write(lambda ledger: ledger.record_absence(track))
            self._unlisted.add(key)
            if track.state == "uncertain":
                await self._journal.move(track, "uncertain", error_message=_ABSENT)
        return repeats_post(track.state, self._options, absent=True)

    async def _keep_job(self, track: Track, job_id: str) -> None:
        try:
            await self._journal.move(
                track, "created", job_id=job_id, created_at=time.time(), error_code=None, error_message=None
            )
        except Overtaken:
            # Always record a paid job, whichever run continues the track.
            await self._journal.write(lambda ledger: ledger.record_job(track, job_id))
            raise

    async def _lose_job(self, track: Track) -> None:
        """Forgets the job of a track, because it is another request's."""
        await self._journal.move(
            track,
            "uncertain",
            job_id=None,
            error_code=ResponseError.__name__,
            error_message=f"the answer to its request was not its job's id but {track.job_id}",
        )

    async def _wait(self, track: Track) -> Job[Any]:
        self._begin(track)
        options = self._options

        async def ended() -> Job[Any]:
            # All tracks share the client's polls, which read pages of the list.
            await self._client.jobs.wait(
                track.job_id or "", timeout=options.job_timeout, poll_interval=options.poll_interval or None
            )
            # Get the whole job: a list may leave parts out, and this answer decides what to download and delete.
            return await self._expected.complete(await whole(), whole)

        async def whole() -> Job[Any]:
            job = await self._client.jobs.get(track.job_id or "")
            if not job.done:
                raise StillRunningError(
                    f"job {job.id} has ended in the list of jobs, but GET says it is running"
                )
            return job

        job = await confirm_gone(track, options.grace, ended)
        if self._finder.is_another(track, job):
            return job
        job.raise_for_failure()
        await self._journal.move(track, "finished", finished_at=time.time())
        return job

    async def _fetch(self, track: Track, job: Job[Any] | None) -> None:
        """Downloads the results that aren't stored yet. Records that they are verified."""
        self._begin(track)
        with self._committing(track):
            checked = list[OutputRecord]()
            if track.state == "downloaded":
                with suppress(IntegrityError):  # the files changed since the download
                    checked = await self._stored(track, await self._recorded(track))
            if not checked:
                await self._download(track, job)
            await self._journal.move(
                track,
                "verified",
                lambda ledger: ledger.keep_digests(track, checked),
                verified_at=time.time(),
                error_code=None,
                error_message=None,
                resume_at=None,
            )

    async def _download(self, track: Track, job: Job[Any] | None) -> None:
        """Downloads the results, and records them with their digests."""
        received = dict[int, int]()

        def on_bytes(done: int, _total: int | None) -> None:
            # Several threads download at the same time, each one output after another.
            before = received.get(thread := threading.get_ident(), 0)
            received[thread] = done
            if (active := self._tracker.active.get(track.key)) is not None:
                active.moved += done - before if done >= before else done

        async def fetched() -> list[OutputRecord]:
            ended = job or await self._client.jobs.get(track.job_id or "")
            if self._finder.is_another(track, ended):
                raise TransferError(
                    f"job {ended.id} is another request's, so its results aren't those of this track"
                )
            ended.raise_for_success()
            if ended.raw_result is None:
                # Without a result, nothing can be stored, so the job must not be deleted.
                raise ResultMissingError(
                    f"job {ended.id} has succeeded, but the service returns no result for it", job_id=ended.id
                )
            return await self._destination.fetch(self._client, ended, track, on_bytes)

        # The client fetches the job again if URLs have expired, so the job may prove gone here too.
        outputs = await self._listing.confirm_gone(track, self._options.grace, fetched)
        size = sum(output.size for output in outputs)
        self._tracker.bytes_downloaded += size
        await self._journal.move(
            track,
            "downloaded",
            lambda ledger: ledger.keep_outputs(track, outputs),
            downloaded_at=time.time(),
            bytes_downloaded=size,
        )

    async def _recorded(self, track: Track) -> list[OutputRecord]:
        """The recorded results of a track."""
        return await self._journal.read(lambda ledger: ledger.outputs([track.key])[track.key])

    async def _stored(self, track: Track, recorded: list[OutputRecord]) -> list[OutputRecord]:
        """Returns the recorded results with their digests, after comparing them with the stored files.

        Raises:
            IntegrityError: the results are missing or damaged.
        """
        checked = await asyncio.to_thread(self._destination.verified, recorded)
        if not checked:
            raise IntegrityError(f"no results of {track.folder!r} are recorded")
        return checked

    async def _delete(self, track: Track) -> None:
        self._begin(track)
        with self._committing(track), suppress(NotFoundError):  # something else deleted the job
            await self._client.jobs.delete(track.job_id or "")
        await self._journal.move(track, "deleted", ended_at=time.time())

    async def _check_budget(self, track: Track) -> None:
        """Raises `OverBudget` before an upload that no job could follow. Recording the POST checks again."""
        if self._options.budget.limited:
            await self._journal.read(lambda ledger: ledger.check_budget(track.key))

    def _begin(self, track: Track) -> None:
        """Begins a step; raises `Draining` if the run is draining."""
        if self.draining and track.key not in self.committed:
            raise Draining

    @contextmanager
    def _committing(self, track: Track) -> Generator[None]:
        """A block that completes even while the run drains."""
        self.committed.add(track.key)
        try:
            yield
        finally:
            self.committed.discard(track.key)
