"""One track from wherever it stands to its end. Each step is on disk before the next one begins."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.engine.client_warnings import ClientWarnings
from musicai_sdk.batch.engine.confirmation import confirm_gone
from musicai_sdk.batch.engine.failures import JOB_GONE, described
from musicai_sdk.batch.engine.recovery import LostJobFinder, Unknown, job_name, uncertain
from musicai_sdk.batch.events import ProgressTracker
from musicai_sdk.batch.inputs.bucket import Buckets
from musicai_sdk.batch.inputs.kinds import is_object
from musicai_sdk.batch.inputs.original import changed_since, original, version
from musicai_sdk.batch.inputs.workflow import instance_of
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import Ledger, Overtaken
from musicai_sdk.batch.ledger.states import FETCHABLE, JOBLESS, OPEN, TABLE, State
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.destination import destination_for
from musicai_sdk.batch.results.verify import Output
from musicai_sdk.errors import (
    CreateUncertainError,
    IntegrityError,
    MusicAiError,
    NotFoundError,
    TransferError,
)
from musicai_sdk.models import Job


class Draining(Exception):  # noqa: N818 - the run ends, nothing failed
    """No further step is begun: the run is coming to its end."""


class StillRunningError(TransferError):
    """The service says two things of one job."""


class RunFailed(Exception):  # noqa: N818 - carries the error
    """Its cause is an error that every other track would meet too."""


class Pipeline:
    """The steps of tracks. `advance` raises what a step raised; what follows from that is `RetryPolicy`' matter."""

    def __init__(
        self,
        client: AsyncMusicAiClient,
        journal: GroupCommit,
        settings: RunOptions,
        tracker: ProgressTracker,
        warn: Callable[[str], object],
    ) -> None:
        self.draining: bool = False
        self.committed: set[str] = set()
        """Tracks in a step that is finished even while the run drains: a paid POST, a download."""
        self._known_uncertain = set[str]()
        """Tracks that were uncertain before this run, so that who asks for a retry of such knows of them."""
        self._unlisted = set[str]()
        """Idempotency keys of lost POSTs that this run has looked for to the end."""
        self._client = client
        self._journal = journal
        self._settings = settings
        self._tracker = tracker
        self._place = destination_for(settings.bucket or settings.out, settings.declared)
        self._inputs = Buckets(settings.inputs)
        self._warnings = ClientWarnings(warn)
        self._finder = LostJobFinder(client, settings.slug, settings.grace, warn)
        self._uploads = asyncio.Semaphore(settings.uploads)
        self._slots = asyncio.Semaphore(settings.in_flight)
        self._downloads = asyncio.Semaphore(settings.downloads)

    def find_lost(self, tracks: Iterable[Track]) -> None:
        """Begins to look for the jobs of tracks whose POST an earlier run may have sent, all at once."""
        for track in tracks:
            if track.state in OPEN:
                if TABLE[track.state].unsettled:
                    self._known_uncertain.add(track.key)
                if track.idempotency_key:
                    self._finder.expect(track)

    async def close(self) -> None:
        """Ends what runs beside the tracks."""
        self._warnings.stop()
        await self._finder.close()

    async def advance(self, track: Track) -> None:
        """Takes a track to its end."""
        if track.state == "failed":
            await self._take_up(track)
        if track.state == "verified" and not self._settings.keep_jobs:
            await self._check_again(track)
        if track.state == "seen":
            await self._upload(track)
        job: Job[Any] | None = None
        if track.state in JOBLESS or track.state == "created":
            # The slot is the plan's: from before the POST until the service has ended the job.
            async with self._slots:
                job = await self._through_the_service(track)
        if track.state in FETCHABLE:
            async with self._downloads:
                await self._fetch(track, job)
        if track.state == "verified" and not self._settings.keep_jobs:
            await self._delete(track)

    async def _take_up(self, track: Track) -> None:
        """Lets a failed track go on where it can."""
        self._begin(track)
        state: State = track.resume_at or "seen"
        if track.error_code == JOB_GONE and track.job_id:
            # Paying anew costs, and asking once more whether that job is really gone doesn't.
            try:
                await self._client.jobs.get(track.job_id)
                state = "created"
            except NotFoundError:
                pass
        await self._journal.move(track, state, error_code=None, error_message=None, ended_at=None)

    async def _check_again(self, track: Track) -> None:
        """Sees that results of an earlier run are still here, whose job was kept then and is deleted now."""
        async with self._downloads:
            self._begin(track)
            try:
                await self._checked(track)
            except IntegrityError:
                await self._journal.move(track, "finished")

    async def _upload(self, track: Track) -> None:
        async with self._uploads:
            self._begin(track)

            def moved(done: int, total: int | None) -> None:
                if (active := self._tracker.active.get(track.key)) is not None:
                    active.moved, active.total = done, total

            known = await self._journal.read(lambda ledger: ledger.versions(track))
            path, before = await asyncio.to_thread(original, track, known)
            file = await self._client.files.upload(path, on_progress=moved)
            if file.size != track.size or await asyncio.to_thread(version, path) != before:
                raise changed_since(path)
            self._tracker.bytes_uploaded += file.size
            # A track whose POST may have been seen stays marked as such.
            state: State = "uploaded" if track.state == "seen" else track.state
            await self._journal.move(track, state, source=path, url=file.url, uploaded_at=time.time())

    async def _through_the_service(self, track: Track) -> Job[Any] | None:
        # After a POST whose job wasn't listed, and another one that was refused, the first one is still open.
        still_open = track.state in JOBLESS and track.idempotency_key and track.creating_at
        if track.state in OPEN or still_open:
            await self._find_lost(track)
            if track.state == "uncertain" and not self._settings.retry_uncertain:
                return None
        if track.state in JOBLESS:
            await self._create(track)
        return await self._wait(track) if track.state == "created" else None

    async def _create(self, track: Track) -> None:
        """The paid step."""
        # One of the future was made before the clock was set back, nobody knows when.
        age = time.time() - (track.uploaded_at or 0.0)
        if not track.is_url and not 0 <= age < self._settings.upload_lifetime:
            # The service doesn't say how long an upload's URL is good for; a job on a dead one costs and
            # fails.
            await self._upload(track)
        self._begin(track)
        # Signed before the POST may count as sent: without credentials for it there is none.
        url = track.url or ""
        if track.is_url:
            # This run may have met it again since, under a fresh signature.
            url = await self._latest_url(track)
        if is_object(url):
            url = await asyncio.to_thread(self._inputs.signed, url)
        params: dict[str, Any] = json.loads(track.params)
        workflow = instance_of(self._settings.slug, self._settings.wire_input, url, params)
        targets = await self._place.upload_urls(track, workflow)
        self.committed.add(track.key)
        try:
            key = track.idempotency_key or str(uuid.uuid4())
            unlisted = key in self._unlisted
            open_since = track.creating_at if track.idempotency_key else None
            self._unlisted.discard(key)
            await self._journal.move(track, "creating", idempotency_key=key, creating_at=time.time())
            try:
                # Nothing has this key: it is new, or the list was just searched for it.
                made = await self._client.jobs.create(
                    workflow,
                    name=job_name(track),
                    copy_results_to=targets,
                    idempotency_key=key,
                    recover=False,
                )
            except CreateUncertainError as error:
                code, message = type(error).__name__, str(error)
                await self._journal.move(track, "uncertain", error_code=code, error_message=message)
            except MusicAiError as error:
                # The service has certainly not acted: an answer that was lost is a CreateUncertainError.
                code, _ = described(error)
                await self._journal.move(track, "uploaded", creating_at=open_since, error_code=code)
                if unlisted:
                    self._unlisted.add(key)
                if isinstance(error, NotFoundError):
                    raise RunFailed from error
                raise
            else:
                await self._created(track, made.id)
        finally:
            self.committed.discard(track.key)
        if track.state == "uncertain":
            await self._find_lost(track)

    async def _latest_url(self, track: Track) -> str:
        def latest(ledger: Ledger) -> str | None:
            return ledger.url(track)

        return await self._journal.read(latest) or ""

    async def _find_lost(self, track: Track) -> None:
        """Finds the job of a POST whose answer nobody has, if it is listed within the grace period.

        Raises:
            CreateUncertainError: whether there is one can't be seen. Only who knew of that before this run, and has asked
                for a retry, gets it sent again.
        """
        key = track.idempotency_key
        if key is None:
            return  # the ledger is an older copy, and nobody knows whether there was a POST
        if key in self._unlisted:
            return  # since the last POST under this key; a second look would only cost another grace period
        found = await self._finder.find(track)
        if isinstance(found, Unknown):
            self._finder.tell(found.reason)
            if not (self._settings.retry_uncertain and track.key in self._known_uncertain):
                raise uncertain(key, found.reason)
            self._known_uncertain.discard(track.key)
        elif found is not None:
            await self._created(track, found.id)
        else:
            await self._journal.write(lambda ledger: ledger.absent(track))
            self._unlisted.add(key)

    async def _created(self, track: Track, job_id: str) -> None:
        try:
            await self._journal.move(
                track, "created", job_id=job_id, created_at=time.time(), error_code=None, error_message=None
            )
        except Overtaken:
            # Which job was paid for is never forgotten, whoever goes on with the track.
            await self._journal.write(lambda ledger: ledger.found_job(track, job_id))
            raise

    async def _wait(self, track: Track) -> Job[Any]:
        self._begin(track)
        settings = self._settings

        async def ended() -> Job[Any]:
            # All tracks share the client's polls, which are list pages.
            await self._client.jobs.wait(
                track.job_id or "",
                timeout=settings.job_timeout,
                poll_interval=settings.poll_interval or None,
            )
            # A list may say less of a job than it has, and what is said here decides what is downloaded and deleted.
            job = await self._client.jobs.get(track.job_id or "")
            if not job.done:
                raise StillRunningError(f"job {job.id} has ended by the list of jobs, and goes on by itself")
            return job

        job = await confirm_gone(track, settings.grace, ended)
        job.raise_for_failure()
        await self._journal.move(track, "finished", finished_at=time.time())
        return job

    async def _fetch(self, track: Track, job: Job[Any] | None) -> None:
        """Downloads what isn't here, and verifies it."""
        self._begin(track)
        self.committed.add(track.key)
        try:
            if track.state == "finished" or not await self._is_here(track):
                await self._download(track, job)
                await self._verify(track)
        finally:
            self.committed.discard(track.key)

    async def _download(self, track: Track, job: Job[Any] | None) -> None:
        received = dict[int, int]()

        def moved(done: int, _total: int | None) -> None:
            # Several outputs arrive at the same time, each in a thread, and one thread takes one after the
            # other.
            before = received.get(thread := threading.get_ident(), 0)
            received[thread] = done
            if (active := self._tracker.active.get(track.key)) is not None:
                active.moved += done - before if done >= before else done

        async def fetched() -> list[Output]:
            ended = job or await self._client.jobs.get(track.job_id or "")
            ended.raise_for_success()
            if ended.raw_result is None:
                # The job is deleted when its results are safe, and nothing isn't a result.
                raise TransferError(f"job {ended.id} has succeeded, but the service gives no result for it")
            return await self._place.fetch(self._client, ended, track, moved)

        # Also when addresses have expired, and the job is asked for once more.
        outputs = await confirm_gone(track, self._settings.grace, fetched)
        size = sum(output[2] for output in outputs)
        self._tracker.bytes_downloaded += size
        await self._journal.write(lambda ledger: ledger.keep_outputs(track, outputs))
        await self._journal.move(track, "downloaded", downloaded_at=time.time(), bytes_downloaded=size)

    async def _is_here(self, track: Track) -> bool:
        """Whether the results that were downloaded before are still as they were; verified then."""
        try:
            await self._verify(track)
        except IntegrityError:
            return False
        return True

    async def _checked(self, track: Track) -> list[Output]:
        """The results that are recorded, if they are here."""

        def recorded(ledger: Ledger) -> list[Output]:
            return ledger.outputs(track)

        checked = await asyncio.to_thread(self._place.verified, await self._journal.read(recorded))
        if not checked:
            raise IntegrityError(f"no results of {track.folder!r} are known")
        return checked

    async def _verify(self, track: Track) -> None:
        checked = await self._checked(track)
        await self._journal.write(lambda ledger: ledger.keep_outputs(track, checked))
        await self._journal.move(
            track, "verified", verified_at=time.time(), error_code=None, error_message=None, resume_at=None
        )

    async def _delete(self, track: Track) -> None:
        self._begin(track)
        self.committed.add(track.key)
        try:
            await self._client.jobs.delete(track.job_id or "")
        except NotFoundError:
            pass  # somebody else did
        finally:
            self.committed.discard(track.key)
        await self._journal.move(track, "deleted", ended_at=time.time())

    def _begin(self, track: Track) -> None:
        """A step begins only while the run doesn't drain."""
        if self.draining and track.key not in self.committed:
            raise Draining
