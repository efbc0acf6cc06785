"""The queue: starts jobs as slots of the plan become free, and publishes their outcomes when they are due."""

from __future__ import annotations

import asyncio
import heapq
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.api.transition import Transition
from musicai_sdk.sandbox.api.work import INTERNAL_ERROR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musicai_sdk.sandbox.api.work import Outcome, Worker
    from musicai_sdk.sandbox.clock import Clock
    from musicai_sdk.sandbox.database.database import Database
    from musicai_sdk.sandbox.database.records import JobRecord
    from musicai_sdk.sandbox.faults.options import FaultOptions

_PATIENCE = 60.0
"""Seconds that a poll or `Clock.advance` waits for the work on a due job."""


@dataclass(frozen=True)
class _Waiting:
    seq: int
    transition: Transition | None
    fault: FaultOptions


@dataclass(eq=False)
class _Active:
    """A job in a slot."""

    job: JobRecord
    fault: FaultOptions
    due: float | None
    """The time on the sandbox's clock from which the outcome is shown."""
    polls: int | None
    """The number of further polls that see the job STARTED."""
    outcome: Outcome | None = None
    dropped: threading.Event = field(default_factory=threading.Event)
    ended: Future[None] = field(default_factory=Future[None])

    def is_due(self, now: float) -> bool:
        return (self.due is None or self.due <= now) and (self.polls is None or self.polls < 0)


class Workers:
    """Runs jobs in the order of their creation, at most as many at once as the plan allows."""

    def __init__(self, database: Database, worker: Worker, clock: Clock, slots: int) -> None:
        self.transition: Transition | None = None
        """When jobs created from now on show their outcomes; None for when their work is done."""
        self._database = database
        self._worker = worker
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._queue = deque[_Waiting]()
        self._active: dict[int, _Active] = {}
        self._free = [clock.now()] * slots
        """A heap with the time since which each free slot has been free."""
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="sandbox-job")
        self._stopping = threading.Event()
        self._ticking: threading.Thread | None = None

    def submit(self, seq: int, fault: FaultOptions | None = None) -> None:
        """Queues a job. While the sandbox is stopping, a job waits for the next start."""
        fault = fault or {}
        transition = self.transition
        if "job_seconds" in fault:
            transition = Transition(seconds=fault["job_seconds"])
        elif "job_polls" in fault:
            transition = Transition(polls=fault["job_polls"])
        with self._changed:
            self._queue.append(_Waiting(seq, transition, fault))
            self._fill_slots()

    async def poll(self, jobs: Iterable[JobRecord]) -> bool:
        """Counts a poll of each job, and waits for the work on jobs that become due.

        Returns:
            Whether the status of one of the jobs may have changed.
        """
        due = list[Future[None]]()
        with self._changed:
            for job in jobs:
                active = self._active.get(job.seq)
                if active and active.polls is not None and not active.dropped.is_set():
                    active.polls -= 1
                    if active.polls < 0:
                        due.append(active.ended)
            if due:
                self._publish()
        if due:
            await asyncio.wait([asyncio.wrap_future(future) for future in due], timeout=_PATIENCE)
        return bool(due)

    def catch_up(self) -> None:
        """Publishes the outcomes that are due by the clock, after waiting for the work on them."""
        with self._changed:
            self._publish()
            self._changed.wait_for(lambda: not self._is_behind(), timeout=_PATIENCE)

    def next_due(self) -> float | None:
        """Waits for the work on started jobs that end by the clock. Returns the time when the first of them is due."""
        with self._changed:
            self._changed.wait_for(lambda: all(each.outcome for each in self._timed()), timeout=_PATIENCE)
            return min((each.due for each in self._timed() if each.due is not None), default=None)

    def drop(self, seq: int) -> None:
        """Removes a deleted job from the queue or from its slot."""
        with self._changed:
            self._queue = deque(waiting for waiting in self._queue if waiting.seq != seq)
            if active := self._active.get(seq):
                active.dropped.set()
                self._publish()

    def drop_all(self) -> None:
        """Removes all jobs."""
        with self._changed:
            self._queue.clear()
            for active in self._active.values():
                active.dropped.set()
            self._publish()

    def stop(self) -> None:
        """Empties the queue and waits for the running jobs. Jobs that are still fetching inputs stop at once."""
        self._stopping.set()
        with self._changed:
            self._queue.clear()
            self._changed.notify_all()
        self._pool.shutdown(cancel_futures=True)
        if self._ticking is not None:
            self._ticking.join()
        # Their outcomes were never published, so they start again with the sandbox.
        for active in self._active.values():
            self._worker.discard(active.outcome.stored if active.outcome else [])
            active.ended.set_result(None)

    def _fill_slots(self) -> None:
        while self._queue and self._free and not self._stopping.is_set():
            waiting = self._queue.popleft()
            job = self._database.start_job(waiting.seq, self._free[0])
            if job is None or job.started_at is None:  # The job was deleted meanwhile.
                continue
            heapq.heappop(self._free)
            wanted = waiting.transition or Transition(seconds=0)
            due = None if wanted.seconds is None else job.started_at + wanted.seconds
            active = _Active(job, waiting.fault, due if waiting.transition else None, wanted.polls)
            self._active[job.seq] = active
            if active.due is not None and self._ticking is None:
                self._ticking = threading.Thread(target=self._tick, name="sandbox-clock", daemon=True)
                self._ticking.start()
            with suppress(RuntimeError):  # The pool was shut down meanwhile.
                self._pool.submit(self._work, active)

    def _work(self, active: _Active) -> None:
        if not self._stopping.is_set():
            outcome = self._worker.work(active.job, active.fault, active.dropped, self._stopping)
            with self._changed:
                if outcome is None and not active.dropped.is_set():
                    return  # The sandbox is stopping; the job starts again with it.
                active.outcome = outcome or INTERNAL_ERROR
                self._publish()

    def _publish(self) -> None:
        """Ends, in order, the jobs whose outcomes are available and due, and fills their slots."""
        while True:
            now = self._clock.now()
            ready = [
                active
                for active in self._active.values()
                if active.outcome is not None and (active.dropped.is_set() or active.is_due(now))
            ]
            for active in sorted(ready, key=lambda active: now if active.due is None else active.due):
                self._end(active, now)
            if not ready:
                break
            self._fill_slots()
        self._changed.notify_all()

    def _end(self, active: _Active, now: float) -> None:
        ended_at = now if active.due is None else min(active.due, now)
        outcome = active.outcome or INTERNAL_ERROR
        kept = False
        try:
            if not active.dropped.is_set():
                kept = self._database.finish_job(
                    active.job.seq,
                    ended_at,
                    result=outcome.result,
                    error=outcome.error,
                    objects=outcome.stored,
                )
        finally:
            if not kept:
                self._worker.discard(outcome.stored)
            del self._active[active.job.seq]
            heapq.heappush(self._free, ended_at)
            active.ended.set_result(None)

    def _is_behind(self) -> bool:
        now = self._clock.now()
        return any(active.is_due(now) for active in self._timed())

    def _timed(self) -> list[_Active]:
        if self._stopping.is_set():
            return []
        return [each for each in self._active.values() if each.due is not None and not each.dropped.is_set()]

    def _tick(self) -> None:
        """Publishes the outcomes that become due as real time passes."""
        with self._changed:
            while not self._stopping.is_set():
                self._publish()
                dues = [
                    active.due
                    for active in self._active.values()
                    if active.due is not None and active.outcome
                ]
                wait = min(dues) - self._clock.now() if dues else None
                self._changed.wait(wait)
