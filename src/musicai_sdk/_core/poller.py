"""The shared polls of a client: one of its waiters polls for all of them.

No thread or task of this package runs in the background. The first waiter becomes the leader: it sleeps until the next
poll is due, polls, and passes the states to the other waiters, which sleep meanwhile. When the leader is done, fails,
is cancelled or runs out of time, another waiter becomes the leader. This works between threads and between tasks.
"""

from __future__ import annotations

import copy
import random
import threading
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from musicai_sdk._core.arguments import OnUpdate
from musicai_sdk._core.job_states import StatusFetcher
from musicai_sdk._core.options import RequestOptions, check_options
from musicai_sdk._core.retry import is_transient
from musicai_sdk._core.session import Session
from musicai_sdk._io import Signal, polling
from musicai_sdk._io.record import logger
from musicai_sdk.errors import MusicAiError
from musicai_sdk.models.job import Job, JobState

FIRST_PAUSE = 0.5
"""Seconds between the first two polls of a job."""
SHORTEST_FIRST_PAUSE = 0.1
"""The minimum of `FIRST_PAUSE` for a job that is expected to be short."""
GROWTH = 1.6
"""The factor by which each pause exceeds the one before."""
STEADY_PAUSE = 2.0
"""Pauses longer than this, in seconds, are at most `SHARE` of the time waited for the job."""
SHARE = 0.1
CONFIDENCE = 0.8
"""The fraction of a job's expected duration to wait before the first poll."""
LONGEST_SLEEP = 30.0
"""The most seconds before the first poll, so that an early failure is detected."""
GRACE = 1.0
"""Seconds that a waiter waits after its deadline for the leader's last poll."""
NEVER = float("inf")


@dataclass(slots=True)
class Watched:
    """A job as one waiter sees it."""

    due: float
    """The time of the next poll."""
    since: float
    """The time of the first poll, from which the pauses grow."""
    first: float
    """The first pause, in seconds."""
    longest: float
    """The longest pause, in seconds."""
    status: str | None = None

    def reschedule(self, now: float, jitter: float) -> None:
        """Schedules the next poll. Each pause is `GROWTH` times the one before."""
        waited = now - self.since
        if waited < 0:
            return  # another job's poll showed its state before its own first poll was due
        pause = min(self.first + (GROWTH - 1) * waited, self.longest, max(STEADY_PAUSE, SHARE * waited))
        self.due = now + jitter * pause


@dataclass(eq=False, slots=True)
class Waiter:
    """One call that waits for one or more jobs."""

    signal: Signal
    deadline: float | None
    on_update: OnUpdate | None
    jobs: dict[str, Watched] = field(default_factory=dict[str, Watched])
    """The unfinished jobs."""
    ended: dict[str, Job[Any]] = field(default_factory=dict[str, Job[Any]])
    news: deque[JobState] = field(default_factory=deque[JobState])
    """States to pass to `on_update`."""
    error: MusicAiError | None = None
    polled_at: float = -NEVER
    """The time at which the last poll of this waiter's jobs began."""

    @property
    def last_poll(self) -> float:
        """The time of this waiter's last poll, at the deadline; `NEVER` after that poll."""
        over = not self.jobs or self.error is not None
        return NEVER if over or self.deadline is None or self.polled_at >= self.deadline else self.deadline

    def is_late(self, now: float) -> bool:
        """Whether the waiter's time is up: its last poll is done or overdue."""
        return self.deadline is not None and (self.polled_at >= self.deadline or now > self.deadline + GRACE)


class Poller:
    """Polls the jobs of all waiters with equal per-call settings.

    Uses the lock of `Pollers`. `join`, `leave` and `wake` are called with the lock held. No request is sent with the
    lock held.
    """

    def __init__(self, session: Session, options: RequestOptions, lock: threading.Lock) -> None:
        self.waiters: dict[Waiter, None] = {}
        self.closed: bool = False
        """Whether the client is closed. If so, the leader polls without delay, so that all waiters get the error."""
        self._session = session
        self._options = options
        self._lock = lock
        self._watched: dict[str, dict[Waiter, Watched]] = {}
        self._leader: Waiter | None = None
        self._unlisted = set[str]()
        self._polled_at = -NEVER
        """The time at which the last poll ended."""
        self._planned = NEVER
        """The time at which the leader intends to act."""
        self._distance = NEVER
        """The shortest time between two polls, in seconds."""

    def join(self, waiter: Waiter) -> None:
        """Adds a waiter and its jobs."""
        self.waiters[waiter] = None
        for job_id, watched in waiter.jobs.items():
            self._watched.setdefault(job_id, {})[waiter] = watched
        # Waking the leader costs time in proportion to all waiters, so only do it if it must act sooner.
        due = min((each.due for each in waiter.jobs.values()), default=NEVER)
        distance = min((each.first for each in waiter.jobs.values()), default=NEVER)
        if min(due, waiter.last_poll) < self._planned or distance < self._distance:
            self.wake()

    def leave(self, waiter: Waiter) -> None:
        """Removes a waiter. If it was the leader, another waiter takes over."""
        self.waiters.pop(waiter, None)
        for job_id in waiter.jobs:
            watching = self._watched.get(job_id, {})
            watching.pop(waiter, None)
            if not watching:
                self._watched.pop(job_id, None)
        if self._leader is waiter:
            # Skip waiters that are done: they would only pass on the leadership.
            self._leader = next((other for other in self.waiters if other.jobs and not other.error), None)
            self.wake()

    def wake(self) -> None:
        """Wakes the leader after a change."""
        if self._leader is not None:
            self._leader.signal.set()

    async def watch(self, waiter: Waiter) -> None:
        """Returns when all jobs of a waiter have ended, or its time is up.

        Raises:
            MusicAiError: polling fails for one of the waiter's jobs, or for all jobs.
        """
        while True:
            while waiter.news:
                state = waiter.news.popleft()
                if waiter.on_update is not None:
                    waiter.on_update(state)
            if waiter.error is not None:
                raise waiter.error
            now = self._session.io.now()
            if not waiter.jobs or waiter.is_late(now):
                return
            wake_up = self._next_action(waiter)
            if wake_up <= now:
                await self._poll(waiter)
            else:
                await waiter.signal.wait(None if wake_up == NEVER else wake_up - now)

    def _next_action(self, waiter: Waiter) -> float:
        """The time at which a waiter must act: the leader polls, the other waiters give up."""
        with self._lock:
            if self._leader is None:
                self._leader = waiter
            if self._leader is waiter:
                self._planned = self._next_poll()
                return self._planned
        return NEVER if waiter.deadline is None else waiter.deadline + GRACE

    def _next_poll(self) -> float:
        """The time of the next poll. Polls keep a minimum distance even if many waiters join, except at deadlines."""
        if self.closed:
            return -NEVER
        watched = [each for watching in self._watched.values() for each in watching.values()]
        due = min((each.due for each in watched), default=NEVER)
        self._distance = min((each.first for each in watched), default=0.0)
        earliest = max(due, self._polled_at + self._distance)
        return min(earliest, min(waiter.last_poll for waiter in self.waiters))

    async def _poll(self, leader: Waiter) -> None:
        io = self._session.io
        began = io.now()
        with self._lock:
            wanted = {
                job_id
                for job_id, watching in self._watched.items()
                # Include jobs that are due before the poll after this one.
                if any(
                    self.closed or min(each.due - each.first, waiter.last_poll) <= began
                    for waiter, each in watching.items()
                )
            }
            single = len(self._watched) == 1
        fetcher = StatusFetcher(self._session, self, self._unlisted, self._options, leader.deadline)
        try:
            with polling():
                if single:
                    await fetcher.fetch_each(list(wanted))
                else:
                    await fetcher.fetch_many(wanted)
        except MusicAiError as error:
            if not is_transient(error):
                self._fail((waiter for waiter in self.waiters if waiter is not leader), error)
                raise
            what = f"job {next(iter(wanted))}" if single else f"{len(wanted)} jobs"
            logger.warning("waiting for %s: a poll failed (%s); the wait continues", what, error)
        with self._lock:
            self._polled_at = io.now()
            self._reschedule(wanted, began)

    def _reschedule(self, wanted: Iterable[str], began: float) -> None:
        """Schedules the next poll of jobs that were just polled, with or without success."""
        jitter = _jitter()
        for job_id in wanted:
            for waiter, watched in self._watched.get(job_id, {}).items():
                waiter.polled_at = began
                watched.since = min(watched.since, began)  # polled early, together with jobs that were due
                watched.reschedule(self._polled_at, jitter)
                if waiter.last_poll == NEVER:
                    waiter.signal.set()  # this may have been the waiter's last poll

    def receive(self, seen: Mapping[str, JobState | Job[Any]]) -> None:
        """Passes the states of jobs to their waiters. Called without the lock."""
        now, jitter = self._session.io.now(), _jitter()
        with self._lock:
            for job_id, state in seen.items():
                if job_id in self._watched:
                    self._receive(job_id, state, now, jitter)

    def _receive(self, job_id: str, seen: JobState | Job[Any], now: float, jitter: float) -> None:
        ended = seen if isinstance(seen, Job) and seen.done else None
        for waiter, watched in self._watched[job_id].items():
            watched.reschedule(now, jitter)
            if watched.status != seen.status:
                watched.status = seen.status
                if waiter.on_update is not None:
                    # Some short answers may have no id.
                    waiter.news.append(
                        seen
                        if isinstance(seen, JobState) and seen.id
                        else JobState(id=job_id, status=seen.status)
                    )
                    waiter.signal.set()
            if ended is not None:
                waiter.ended[job_id] = ended
                del waiter.jobs[job_id]
                if not waiter.jobs:
                    waiter.signal.set()
        if ended is not None:
            del self._watched[job_id]
            self._session.durations.finished(ended, now)
            self._unlisted.discard(job_id)

    def failed(self, job_id: str, error: MusicAiError) -> None:
        """Ends the waits for a job that can't be polled. Called without the lock."""
        self._unlisted.discard(job_id)
        self._fail(self._watched.get(job_id, {}), error)

    def _fail(self, waiters: Iterable[Waiter], error: MusicAiError) -> None:
        with self._lock:
            for waiter in list(waiters):
                # Give each waiter a copy: an error raised in several threads would collect all their frames.
                waiter.error = copy.copy(error)
                waiter.signal.set()


def _jitter() -> float:
    """A random factor for pauses, so that many clients don't poll in step."""
    return random.uniform(0.8, 1.2)  # noqa: S311 - no secret


class Pollers:
    """The pollers of one client in one process: one poller for each set of per-call settings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pollers: dict[str, Poller] = {}
        self._closed = False

    @contextmanager
    def joined(self, session: Session, waiter: Waiter, options: RequestOptions) -> Generator[Poller]:
        """The waiter's poller, for the duration of the block."""
        check_options(options)
        name = repr(sorted(options.items()))
        with self._lock:
            poller = self._pollers.get(name)
            if poller is None:
                poller = self._pollers[name] = Poller(session, options, self._lock)
                poller.closed = self._closed
            poller.join(waiter)
        try:
            yield poller
        finally:
            with self._lock:
                poller.leave(waiter)
                if not poller.waiters:
                    self._pollers.pop(name, None)

    def close(self) -> None:
        """Makes all waiters fail with the error of a closed client."""
        with self._lock:
            self._closed = True
            for poller in self._pollers.values():
                poller.closed = True
                poller.wake()
