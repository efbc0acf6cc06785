"""One run in one process: tracks started as there is room for them, none of which can stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.engine.account import Account
from musicai_sdk.batch.engine.decide import PAYS, decide, source_returned
from musicai_sdk.batch.engine.failures import short_of_files
from musicai_sdk.batch.engine.other_runs import OtherRuns, send_heartbeats
from musicai_sdk.batch.engine.retry import RetryPolicy
from musicai_sdk.batch.engine.steps import Pipeline, RunFailed
from musicai_sdk.batch.events import Event, EventKind, ProgressTracker, redacted
from musicai_sdk.batch.inputs.kinds import Rejected
from musicai_sdk.batch.inputs.prefetch import Candidate, Prefetcher, digest, sample
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import InputRow, Ledger
from musicai_sdk.batch.ledger.states import OPEN, SAFE, State
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.vanished import ResultCheck, Vanished
from musicai_sdk.errors import InputError

_HASHES = 2
"""Files that are read for their digests at the same time."""
_PAUSE = 0.5
"""After how many seconds without an input the inputs count as met for now: more may come, or never."""
_PATIENCE = 30.0
"""For how many seconds a track waits at most for its input among others that keep coming."""


class Scheduler:
    """Runs a ledger once."""

    def __init__(
        self,
        ledger: Ledger,
        settings: RunOptions,
        items: Callable[[], Iterator[Candidate | None]],
        client: AsyncMusicAiClient,
        tell: Callable[[Event], object],
    ) -> None:
        self.tracker: ProgressTracker = ProgressTracker(ledger.counts())
        self.results: ResultCheck = ResultCheck(Path(settings.out), settings.bucket)
        """Looks up the results of the tracks that are skipped."""
        self._ledger = ledger
        self._settings = settings
        self._items = items
        self._observer = tell
        self._journal = GroupCommit(ledger, self._moved)
        self._pipeline = Pipeline(
            client,
            self._journal,
            settings,
            self.tracker,
            self._warn,
        )
        self._account = Account(client, self._journal, settings.max_attempts, self._warn)
        self._others = OtherRuns(self._journal, ledger.id, self._warn)
        self._tries = RetryPolicy(
            self._pipeline, self._journal, settings, self._emit, self._account, self._others
        )
        # Enough to keep every stage busy; what is uploaded ahead of its slot stays little, and fresh.
        self._room = asyncio.Semaphore(settings.in_flight + settings.uploads + settings.downloads)
        self._hashes = asyncio.Semaphore(_HASHES)
        self._tasks = dict[asyncio.Task[None], str | None]()
        self._resumed = dict[str, bool]()
        """Tracks that an earlier run had begun, and whether they are among this run's inputs."""
        self._late = dict[str, Track]()
        """Those of them that may be sent again: the inputs may bring a fresh signature, or a file's new name."""
        self._unread = 0
        """Inputs that were met, and of which it isn't known yet which track is theirs."""
        self._all_read = asyncio.Event()
        self._given_up = set[str]()
        """Tracks that this run has worked on without getting their results."""
        self._feeding: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._error: BaseException | None = None

    async def run(self) -> None:
        """Returns when everything is done, or when a drain is through.

        Raises:
            InputError: the inputs can't be read.
            AuthenticationError: the key is wrong; so is every error that all tracks would meet.
            Exception: whatever the observer of the events raised; it drained the run.
        """
        feed = Prefetcher(self._items)
        self._beating = asyncio.create_task(send_heartbeats(self._journal))
        self._beating.add_done_callback(self._ended_beating)
        try:
            if not self.tracker.draining:
                await self._journal.write(lambda ledger: ledger.begin())
            # Once more: it may have begun meanwhile.
            if not self.tracker.draining:
                self._feeding = asyncio.create_task(self._start_all(feed))
                await asyncio.wait({self._feeding})
                if not self._feeding.cancelled() and (error := self._feeding.exception()) is not None:
                    self._error = self._error or _cause_of(error)
                    self._wind_down()
            while self._tasks:
                await asyncio.wait(set(self._tasks), return_when=asyncio.FIRST_COMPLETED)
        finally:
            feed.stop()
            beside = (self._feeding, self._beating)
            leftover = [task for task in (*beside, *self._tasks) if task is not None]
            for task in leftover:
                # What a drain has cancelled is ending: a second time would break into httpcore's closing of its
                # connection, and leave that open.
                if not task.cancelling():
                    task.cancel()
            await asyncio.gather(*leftover, return_exceptions=True)
            await self._account.close()
            await self._pipeline.close()
            await self._journal.close()
        if self._error is not None:
            raise self._error

    def drain(self) -> None:
        """Begins nothing new; paid POSTs and downloads that are under way are finished. Twice is fine."""
        if not self.tracker.draining:
            self._wind_down()
            self._tell(
                Event(
                    "draining", message="finishing what is under way; everything else waits for the next run"
                )
            )

    def _wind_down(self) -> None:
        """As `drain`, which somebody asked for; an error that ends the run tells of itself."""
        if self.tracker.draining:
            return
        self.tracker.draining = self._pipeline.draining = True
        if self._feeding is not None:
            self._feeding.cancel()
        for task, key in self._tasks.items():
            if key is None or key not in self._pipeline.committed:
                task.cancel()

    async def _start_all(self, feed: Prefetcher) -> None:
        unfinished = await self._journal.read(lambda ledger: list(ledger.unfinished(self._settings)))
        if unfinished:
            await self._account.check()
        self._pipeline.find_lost([track for track in unfinished if not await self._others.works(track.run)])
        self._resumed = dict.fromkeys((track.key for track in unfinished), False)
        for track in unfinished:
            if track.state in OPEN:
                self._late[track.key] = track
            else:
                await self._start(self._to_its_end(track), track.key)
        until = asyncio.get_running_loop().time() + _PATIENCE
        while chunk := await self._next(feed, until):
            await self._meet(chunk)
        await self._start_late()
        self.tracker.complete = True

    async def _next(self, feed: Prefetcher, until: float) -> list[Candidate]:
        """The next inputs. Tracks that wait for theirs wait no longer once none has come for a moment."""
        if not self._late:
            return await feed.next()
        coming = asyncio.create_task(feed.next())
        try:
            left = until - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait({coming}, timeout=min(_PAUSE, left))
            if not done or left <= 0:
                await self._start_late()
            return await coming
        finally:
            coming.cancel()

    async def _start_late(self) -> None:
        while self._late:
            if self._unread:
                self._all_read.clear()
                await self._all_read.wait()
                continue
            key, track = self._late.popitem()
            await self._start(self._to_its_end(track), key)

    async def _start(self, work: Any, key: str | None) -> None:
        try:
            await self._room.acquire()
        except asyncio.CancelledError:
            work.close()
            raise
        task = asyncio.create_task(work)
        self._tasks[task] = key
        task.add_done_callback(self._ended)

    def _ended_beating(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self._wind_down()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or _cause_of(error)
            self._wind_down()

    async def _meet(self, chunk: list[Candidate]) -> None:
        """Tells what is new from what is done; only the former costs a task."""
        met = [item for item in chunk if isinstance(item, InputRow)]
        for item in chunk:
            if isinstance(item, Rejected):
                await self._reject(item.source, item.reason)
        await self._journal.write(lambda ledger: ledger.admit(met))
        self.tracker.known += len(met)
        done = [
            given.key for given in met if given.key and given.state in SAFE and given.key not in self._resumed
        ]
        vanished = await self._vanished(done)
        skippable, missing, skipped = {*done}, 0, 0
        for given in met:
            if given.key in skippable and not self._fetched_again(given.key in vanished, given.state):
                skipped += 1
                missing += self._note(given.key, vanished)
            else:
                self._unread += 1
                await self._start(self._travel(given), given.key)
        self._skip(skipped, missing)

    async def _travel(self, given: InputRow) -> None:
        """An input that isn't known to be done."""
        try:
            found = await self._read(given)
        finally:
            self._unread -= 1
            if not self._unread:
                self._all_read.set()
        if found is None:
            return
        track, new = found
        if new:
            self._moved(track, None)
        elif track.key in self.tracker.active or track.key in self._resumed or track.key in self._given_up:
            self._meet_again(given, track)
            if self._late.pop(track.key, None) is not None:
                await self._go_on(track)
                return
            if not source_returned(track):
                return
        elif track.state in SAFE:
            vanished = await self._vanished([track.key])
            if not self._fetched_again(bool(vanished), track.state):
                self._skip(1, self._note(track.key, vanished))
                return
            await self._journal.move(track, "finished")
        elif decide(track, self._settings, in_inputs=True) not in {*PAYS, "go_on"}:
            return
        if await self._go_on(track):
            self.tracker.done += 1

    async def _vanished(self, keys: list[str]) -> Vanished:
        """Which of these tracks, which are done, don't have their results any more."""
        if not keys:
            return {}
        tracks = await self._journal.read(lambda ledger: ledger.recorded(keys))
        return await asyncio.to_thread(self.results.vanished, tracks)

    def _fetched_again(self, vanished: bool, state: State | None) -> bool:  # noqa: FBT001 - private
        """Whether results that aren't there any more are fetched once more: their job was kept."""
        return vanished and state == "verified" and self._settings.retry_failed

    def _note(self, key: str | None, vanished: Vanished) -> int:
        """Notes the damage of a track that is skipped; the number of inputs that lack their results by that."""
        if key is None or key not in vanished:
            return 0
        self.results.note(key, vanished)
        return 1

    async def _read(self, given: InputRow) -> tuple[Track, bool] | None:
        """The track of an input, and whether it is a new one; None if the input can't be read."""
        try:
            async with self._hashes:
                while True:
                    try:
                        if given.content is None:
                            await asyncio.to_thread(digest, given)
                        sample(given)
                        break
                    except OSError as error:
                        if not short_of_files(error):
                            raise
                    await asyncio.sleep(_PAUSE)
        except (OSError, InputError) as error:
            self.tracker.known -= 1
            await self._reject(given.source, str(error))
            return None
        return await self._journal.write(lambda ledger: ledger.register(given))

    async def _go_on(self, track: Track) -> bool:
        """Goes on with a track in the task that has met its input."""
        if (task := asyncio.current_task()) is not None:
            self._tasks[task] = track.key
        return await self._to_its_end(track)

    def _meet_again(self, given: InputRow, track: Track) -> None:
        if self._resumed.get(track.key) is False:
            self._resumed[track.key] = True
            if track.key not in self.tracker.active and track.state in SAFE:
                self.tracker.done += 1
        else:
            self.tracker.duplicates += 1
            # Whose path may have become this input's just now.
            active = self.tracker.active.get(track.key)
            first = active.source if active is not None else redacted(track.source)
            self._emit("duplicate", track, f"the same content as {first}", source=given.source)

    async def _to_its_end(self, track: Track) -> bool:
        """Takes a track as far as it goes; True when its results are here."""
        if track.key in self.tracker.active:
            return False
        self.tracker.enter(track)
        try:
            await self._tries.run(track)
        finally:
            self.tracker.active.pop(track.key, None)
            if track.state not in SAFE:
                self._given_up.add(track.key)
        if track.state in SAFE and self._resumed.get(track.key):
            self.tracker.done += 1
        return track.state in SAFE

    async def _reject(self, source: str, reason: str) -> None:
        await self._journal.write(lambda ledger: ledger.reject(source, reason))
        self.tracker.rejected += 1
        self._tell(Event("rejected", redacted(source), message=reason))

    def _warn(self, text: str) -> None:
        self._tell(Event("warning", message=text))

    def _tell(self, event: Event) -> None:
        """Tells an event; what its observer raises is no track's trouble, and ends the run."""
        try:
            self._observer(event)
        except Exception as error:  # noqa: BLE001 - `run` raises it
            self._error = self._error or error
            self._wind_down()

    def _skip(self, count: int, missing: int = 0) -> None:
        self.tracker.skip(count, missing)
        if count:
            self._tell(Event("skipped", count=count))

    def _moved(self, track: Track, before: State | None) -> None:
        self.tracker.moved(track, before)
        self._tries.moved(before, track.state)
        if track.state != before:
            self._emit("state", track, track.error_message or "")

    def _emit(self, kind: EventKind, track: Track, message: str = "", source: str | None = None) -> None:
        self._tell(
            Event(
                kind,
                redacted(source or track.source),
                track.state,
                message,
                track.error_code,
                track.job_id,
                track.folder,
                track.attempts,
            )
        )


def _cause_of(error: BaseException) -> BaseException | None:
    return error.__cause__ if isinstance(error, RunFailed) else error
