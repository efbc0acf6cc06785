"""One run in one process. Starts tracks while slots are free, so that no track can block the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._preload import load_all
from musicai_sdk.batch.budget import OverBudget, explained
from musicai_sdk.batch.engine.account import Account
from musicai_sdk.batch.engine.decide import PAYS, decide, source_returned
from musicai_sdk.batch.engine.failures import Draining, ResultsLost, RunFailed
from musicai_sdk.batch.engine.intake import Intake
from musicai_sdk.batch.engine.other_runs import OtherRuns, send_heartbeats
from musicai_sdk.batch.engine.retry import RetryPolicy
from musicai_sdk.batch.engine.steps import Pipeline
from musicai_sdk.batch.events import Event, EventKind, ProgressTracker
from musicai_sdk.batch.inputs.prefetch import Prefetcher
from musicai_sdk.batch.inputs.row import Candidate, InputRow
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import Journal, Ledger
from musicai_sdk.batch.ledger.states import OPEN, SAFE, State
from musicai_sdk.batch.ledger.track import Overtaken, Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.presence import ResultCheck
from musicai_sdk.batch.text import redacted

_PAUSE = 0.5
"""Seconds without a new input after which waiting tracks are started: more inputs may come, or none."""
_PATIENCE = 30.0
"""The longest time, in seconds, that a track waits for its own input while other inputs arrive."""


class Scheduler:
    """Runs a ledger once."""

    def __init__(
        self,
        ledger: Ledger,
        options: RunOptions,
        items: Callable[[], Iterator[Candidate | None]],
        client: AsyncMusicAiClient,
        on_event: Callable[[Event], object] | None,
    ) -> None:
        self.tracker: ProgressTracker = ProgressTracker(ledger.counts())
        self.results: ResultCheck = ResultCheck(Path(options.out), options.bucket)
        """Looks for the results of tracks that the run would skip."""
        self._options = options
        self._items = items
        self._on_event = on_event
        self._journal: Journal = GroupCommit(ledger, self._moved)
        self._pipeline = Pipeline(client, self._journal, options, self.tracker, self._warn)
        self._account = Account(client, self._journal, options.max_attempts, self._warn)
        self._other_runs = OtherRuns(self._journal, ledger.id, self._warn)
        self._retry = RetryPolicy(self._pipeline.advance, self._journal, options, self._emit)
        # Enough to keep every stage busy, and so few that an upload doesn't wait long for its slot.
        self._room = asyncio.Semaphore(options.in_flight + options.uploads + options.downloads)
        self._intake = Intake(self._journal, options, self.tracker, self.results, self._report)
        self._tasks = dict[asyncio.Task[Any], str | None]()
        """The tasks for inputs and tracks, each with the key of its track."""
        self._background = list[asyncio.Task[None]]()
        """The tasks that read the inputs and send heartbeats."""
        self._resumed = dict[str, bool]()
        """The tracks that an earlier run began, and whether their inputs are among this run's inputs."""
        self._late = dict[str, Track]()
        """Those of `_resumed` that may be sent again. They wait for their inputs, which may have a newer signature or path."""
        self._unread = 0
        """The number of inputs whose track isn't known yet."""
        self._all_read = asyncio.Event()
        self._given_up = set[str]()
        """Tracks that this run has worked on without getting their results."""
        self._error: BaseException | None = None
        self._over: OverBudget | None = None
        """The reason, once the budget is reached. Then nothing more is paid for, and new inputs are only counted."""
        self._reached = asyncio.Event()
        """Whether `_over` is set."""
        self._count_until = 0.0
        """The time of the loop's clock at which counting ends after the budget is reached."""

    async def run(self) -> None:
        """Runs until all tracks are done, or until a drain has ended.

        Raises:
            InputError: the inputs can't be read.
            AuthenticationError: the key is wrong. Other errors that all tracks would get are raised too.
            Exception: the error that the observer of the events raised, which drained the run.
        """
        load_all()
        prefetcher = Prefetcher(self._items)
        self._start_background(send_heartbeats(self._journal))
        try:
            if not self.tracker.draining:
                await self._journal.write(lambda ledger: ledger.begin())
            # Check again, because the drain may have begun during the write.
            if not self.tracker.draining:
                await asyncio.wait({self._start_background(self._start_all(prefetcher))})
            while self._tasks:
                # For all of them: waiting for the first one takes time in proportion to all others, and would do so per track.
                await asyncio.wait(set(self._tasks))
        finally:
            prefetcher.stop()
            leftover = [*self._background, *self._tasks]
            for task in leftover:
                # A second cancel would interrupt httpcore while it closes a connection, which then stays open.
                if not task.cancelling():
                    task.cancel()
            await asyncio.gather(*leftover, return_exceptions=True)
            await self._account.close()
            await self._pipeline.close()
            await self._journal.close()
        if self._error is not None:
            raise self._error

    def drain(self) -> None:
        """Starts no further steps, and completes running paid POSTs and downloads. May be called twice."""
        if not self.tracker.draining:
            self._wind_down()
            message = "completing what is under way; everything else waits for the next run"
            self._report(Event("draining", message=message))

    def _wind_down(self) -> None:
        if self.tracker.draining:
            return
        self.tracker.draining = self._pipeline.draining = True
        for task in self._background[1:]:  # all but the heartbeats
            task.cancel()
        for task, key in self._tasks.items():
            if key not in self._pipeline.committed:
                task.cancel()

    def _fail(self, error: BaseException) -> None:
        """Ends the run because of an error, which `run` raises."""
        self._error = self._error or (error.__cause__ if isinstance(error, RunFailed) else error)
        self._wind_down()

    def _check(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _start_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.append(task)
        task.add_done_callback(self._check)
        return task

    async def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Starts work on an input or a track once a slot is free."""
        try:
            await self._room.acquire()
        except asyncio.CancelledError:
            work.close()
            raise
        task = asyncio.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        del self._tasks[task]
        self._room.release()
        self._check(task)

    async def _start_all(self, prefetcher: Prefetcher) -> None:
        """Starts the tracks that earlier runs began, and then every input."""
        await self._check_budget()
        unfinished = await self._journal.read(lambda ledger: ledger.unfinished(self._options))
        if unfinished:
            await self._account.check()
        self._pipeline.expect_lost(
            [track for track in unfinished if not await self._other_runs.is_alive(track.run)]
        )
        self._resumed = {track.key: False for track in unfinished}
        self._late = {track.key: track for track in unfinished if track.state in OPEN}
        for track in unfinished:
            if track.state not in OPEN:
                await self._start(self._work(track))
        until = asyncio.get_running_loop().time() + _PATIENCE
        before: asyncio.Task[None] | None = None
        while chunk := await self._next(prefetcher, until):
            # The ledger looks up these inputs while the disk looks up the results of the previous ones.
            admission = self._start_background(self._admit(chunk, before))
            admission.add_done_callback(self._background.remove)
            if before is not None:
                await before
            before = admission
            if self._late:
                await admission  # these may be the inputs that the late tracks wait for
        if before is not None:
            await before
        await self._start_late()
        self.tracker.complete = chunk is not None

    async def _next(self, prefetcher: Prefetcher, until: float) -> list[Candidate] | None:
        """Returns the next inputs. If none arrives for a moment, starts the tracks that wait for their inputs.

        Returns None instead of waiting for more inputs when the budget is reached: their source may be endless.
        """
        time = asyncio.get_running_loop().time
        coming = asyncio.create_task(prefetcher.next())
        reached = asyncio.create_task(self._reached.wait())
        try:
            if self._late:
                left = until - time()
                done, _ = await asyncio.wait({coming}, timeout=min(_PAUSE, left))
                if not done or left <= 0:
                    await self._start_late()
            await asyncio.wait({coming, reached}, return_when=asyncio.FIRST_COMPLETED)
            if reached.done():
                await asyncio.wait({coming}, timeout=min(_PAUSE, self._count_until - time()))
                if not coming.done() or time() > self._count_until:
                    return None
            return await coming
        finally:
            coming.cancel()
            reached.cancel()

    async def _start_late(self) -> None:
        """Starts the late tracks that none of the inputs so far has started."""
        while self._late:
            if self._unread:
                self._all_read.clear()
                await self._all_read.wait()
                continue
            _, track = self._late.popitem()
            await self._start(self._work(track))

    async def _admit(self, chunk: list[Candidate], before: asyncio.Task[None] | None) -> None:
        """Looks up inputs in the ledger, and starts those that aren't done, after those of the previous chunk."""
        found = await self._intake.look_up(chunk, self._resumed)
        if before is not None:
            await before
        for item in found.todo:
            if self._over is not None and await self._intake.is_new(item):
                self._leave(self._over)
                continue
            self._unread += 1
            await self._start(self._process(item))
        self._skip(found.skipped, found.missing)

    async def _process(self, item: InputRow) -> None:
        """Processes an input that isn't known to be done."""
        try:
            found = await self._intake.identify(item)
        finally:
            self._unread -= 1
            if not self._unread:
                self._all_read.set()
        if found is None:
            return
        track, new = found
        if new:
            if item.size is not None and item.mtime_ns is not None:
                self._pipeline.read[track.key] = {item.source: (item.size, item.mtime_ns)}
            self._moved(track, None)
        elif track.key in self.tracker.active or track.key in self._resumed or track.key in self._given_up:
            self._count_known(item, track)
            if self._late.pop(track.key, None) is not None:
                await self._work(track)
                return
            if not source_returned(track):
                return
        else:
            missing = await self._intake.missing([track.key]) if track.state in SAFE else {}
            action = decide(track, self._options, in_inputs=True, missing=bool(missing))
            if track.state in SAFE and action != "continue":
                for key, reason in missing.items():
                    self.results.report(key, reason)
                self._skip(1, len(missing))
                return
            if action not in {*PAYS, "continue"}:
                return
        if await self._work(track):
            self.tracker.done += 1

    def _count_known(self, item: InputRow, track: Track) -> None:
        """Counts an input whose track this run already works on, or has worked on."""
        if self._resumed.get(track.key) is False:
            self._resumed[track.key] = True
            if track.key not in self.tracker.active and track.state in SAFE:
                if track.key in self._given_up:
                    self._skip(1, missing=1)
                else:
                    self.tracker.done += 1
            return
        self.tracker.duplicates += 1
        # `register` may just have given the track this input's path.
        active = self.tracker.active.get(track.key)
        first = active.source if active is not None else redacted(track.source)
        self._emit("duplicate", track, f"the same content as {first}", source=item.source)

    async def _work(self, track: Track) -> bool:
        """Processes a track as far as possible. Returns True if its results are stored."""
        if track.key in self.tracker.active:
            return False
        if (task := asyncio.current_task()) is not None:
            self._tasks[task] = track.key
        self.tracker.enter(track)
        lost = ""
        try:
            await self._advance(track)
        except Draining:
            pass
        except OverBudget as error:
            self._leave(error, track)
        except ResultsLost as error:
            lost = f"{error}, and the service no longer has its job"
        else:
            lost = "they can't be checked" if track.key in self._pipeline.unchecked else ""
        finally:
            self.tracker.active.pop(track.key, None)
            self._pipeline.read.pop(track.key, None)
            if track.state not in SAFE or track.key in self._pipeline.unchecked:
                self._given_up.add(track.key)
        if lost:
            self.results.report(track.key, lost)
            self._emit("warning", track, f"its results are missing: {lost}")
            if self._resumed.get(track.key) is not False:
                self._skip(1, missing=1)
            return False
        if track.state in SAFE and self._resumed.get(track.key):
            self.tracker.done += 1
        return track.state in SAFE

    async def _advance(self, track: Track) -> None:
        while True:
            await self._account.check()
            await self._other_runs.wait_for(track)
            try:
                await self._retry.run(track)
            except Overtaken:
                # First read the state that the other run recorded.
                await self._other_runs.reload(track)
            else:
                return

    async def _check_budget(self) -> None:
        """Checks whether earlier runs have reached the budget."""
        budget = self._options.budget
        if not budget.limited:
            return
        if budget.timed and (count := (await self._journal.read(lambda ledger: ledger.cost())).unmeasured):
            self._warn(
                f"the length of the audio of {count} jobs that are paid for is unknown, so they count as 0 minutes"
            )
        try:
            await self._journal.read(lambda ledger: ledger.check_budget())
        except OverBudget as error:
            self._reach(error)

    def _reach(self, error: OverBudget) -> None:
        if self._over is None:
            self._over = error
            self._count_until = asyncio.get_running_loop().time() + _PATIENCE
            self._reached.set()

    def _leave(self, error: OverBudget, track: Track | None = None) -> None:
        """Leaves a track, or an input whose track isn't known, for a run with a higher budget."""
        self.tracker.waiting += 1
        self.tracker.unmeasured += error.unmeasured
        if not error.ends and track is not None:
            self._emit("budget", track, str(error))
            return
        self._reach(error)
        if not self.tracker.budget:
            self.tracker.budget = str(error)
            self._report(Event("budget", message=explained(str(error))))

    def _skip(self, count: int, missing: int = 0) -> None:
        self.tracker.skip(count, missing)
        if count:
            self._report(Event("skipped", count=count))

    def _moved(self, track: Track, before: State | None) -> None:
        self.tracker.moved(track, before)
        self._retry.note_move(before, track.state)
        if track.state != before:
            self._emit("state", track, track.error_message or "")

    def _warn(self, text: str) -> None:
        self._report(Event("warning", message=text))

    def _emit(self, kind: EventKind, track: Track, message: str = "", source: str | None = None) -> None:
        if self._on_event is None:
            return
        shown = redacted(source or track.source)
        details = (track.error_code, track.job_id, track.folder, track.attempts)
        self._report(Event(kind, shown, track.state, message, *details))

    def _report(self, event: Event) -> None:
        """Reports an event. If the observer raises, the run ends, but no track fails."""
        try:
            if self._on_event is not None:
                self._on_event(event)
        except Exception as error:  # noqa: BLE001 - `run` raises it
            self._fail(error)
