"""The shared polls of a client: of everybody who waits one looks, for all of them.

There is no thread and no task of the package's own behind this. Whoever waits first leads: it sleeps until the next
look is due, looks, and writes what it saw to the others, who sleep meanwhile. When it has what it waited for, or fails,
is cancelled or runs out of time, it hands the lead to another. That works the same between threads and between tasks.
"""

from __future__ import annotations

import copy
import random
import threading
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from musicai_sdk._core.arguments import OnUpdate
from musicai_sdk._core.job_states import StatusFetcher
from musicai_sdk._core.options import RequestOptions, check_options
from musicai_sdk._core.retry import is_transient
from musicai_sdk._core.session import Session
from musicai_sdk._io import Signal
from musicai_sdk._io.record import logger
from musicai_sdk.errors import MusicAiError
from musicai_sdk.models.job import Job, JobState

FIRST_PAUSE = 0.5
"""Seconds between the first two looks at a job."""
SHORTEST_FIRST_PAUSE = 0.1
"""The same for jobs that are known to be quick."""
GROWTH = 1.6
"""By how much each pause is longer than the one before."""
STEADY_PAUSE = 2.0
"""Longer pauses, where a waiter allows them, stay within `SHARE` of the time that the job has been waited for."""
SHARE = 0.1
CONFIDENCE = 0.8
"""Which part of a job's expected duration is slept through."""
LONGEST_SLEEP = 30.0
"""How long that may be, in seconds: a job that fails at once isn't found out later than this."""
GRACE = 1.0
"""How long after its deadline a waiter gives up although the look that it waits for isn't back."""
NEVER = float("inf")


@dataclass(slots=True)
class Watched:
    """A job as one waiter sees it."""

    due: float
    """When to look at it."""
    since: float
    """When to look at it first: from then on the pauses grow."""
    first: float
    """The first pause, in seconds."""
    longest: float
    """The longest pause, in seconds."""
    status: str | None = None

    def put_off(self, now: float, jitter: float) -> None:
        """Sets the next look: the pauses grow with the time that has passed, each `GROWTH` times the one before."""
        waited = now - self.since
        if waited < 0:
            return  # seen by chance before it was to be looked at
        pause = min(self.first + (GROWTH - 1) * waited, self.longest, max(STEADY_PAUSE, SHARE * waited))
        self.due = now + jitter * pause


@dataclass(eq=False, slots=True)
class Waiter:
    """One call that waits, for one job or for many."""

    signal: Signal
    deadline: float | None
    on_update: OnUpdate | None
    jobs: dict[str, Watched] = field(default_factory=dict[str, Watched])
    """The jobs that haven't ended."""
    ended: dict[str, Job[Any]] = field(default_factory=dict[str, Job[Any]])
    news: deque[JobState] = field(default_factory=deque[JobState])
    """States that `on_update` is still to be told."""
    error: MusicAiError | None = None
    looked: float = -NEVER
    """When the last look at its jobs began."""

    @property
    def last_look(self) -> float:
        """When its jobs have to be looked at at the latest; never again once that was done."""
        over = not self.jobs or self.error is not None
        return NEVER if over or self.deadline is None or self.looked >= self.deadline else self.deadline

    def is_late(self, now: float) -> bool:
        """Whether its time is over: its last look is done, or won't be in time."""
        return self.deadline is not None and (self.looked >= self.deadline or now > self.deadline + GRACE)


class Poller:
    """Looks at the jobs of all waiters with the same per-call settings.

    The lock is that of `Pollers`, which holds it when it calls `join`, `leave` and `wake`. No request is made under it.
    """

    def __init__(self, session: Session, options: RequestOptions, lock: threading.Lock) -> None:
        self.waiters: dict[Waiter, None] = {}
        self.closed: bool = False
        """Whether to look without delay, to meet the error that a closed client has for everybody."""
        self._session = session
        self._options = options
        self._lock = lock
        self._watched: dict[str, dict[Waiter, Watched]] = {}
        self._leader: Waiter | None = None
        self._unlisted = set[str]()
        self._looked = -NEVER
        """When the last look was over."""

    def join(self, waiter: Waiter) -> None:
        """Takes the jobs of another waiter along."""
        self.waiters[waiter] = None
        for job_id, watched in waiter.jobs.items():
            self._watched.setdefault(job_id, {})[waiter] = watched
        self.wake()

    def leave(self, waiter: Waiter) -> None:
        """Forgets a waiter, and hands its lead on."""
        self.waiters.pop(waiter, None)
        for job_id in waiter.jobs:
            watching = self._watched.get(job_id, {})
            watching.pop(waiter, None)
            if not watching:
                self._watched.pop(job_id, None)
        if self._leader is waiter:
            # One that has got its answer would only hand it on again.
            self._leader = next((other for other in self.waiters if other.jobs and not other.error), None)
            self.wake()

    def wake(self) -> None:
        """Lets the leader see that things have changed."""
        if self._leader is not None:
            self._leader.signal.set()

    async def watch(self, waiter: Waiter) -> None:
        """Returns when all jobs of a waiter have ended, or when its time is over.

        Raises:
            MusicAiError: one of its jobs can't be looked at, or none can.
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
            wake_up = self._turn(waiter)
            if wake_up <= now:
                await self._look(waiter)
            else:
                await waiter.signal.wait(None if wake_up == NEVER else wake_up - now)

    def _turn(self, waiter: Waiter) -> float:
        """When a waiter has something to do: the leader looks, the others give up."""
        with self._lock:
            if self._leader is None:
                self._leader = waiter
            if self._leader is waiter:
                return self._next()
        return NEVER if waiter.deadline is None else waiter.deadline + GRACE

    def _next(self) -> float:
        """When the next look is due. Newcomers are many at times, so looks keep their distance; deadlines hold."""
        if self.closed:
            return -NEVER
        watched = [each for watching in self._watched.values() for each in watching.values()]
        due = min((each.due for each in watched), default=NEVER)
        distance = min((each.first for each in watched), default=0.0)
        return min(max(due, self._looked + distance), min(waiter.last_look for waiter in self.waiters))

    async def _look(self, leader: Waiter) -> None:
        io = self._session.io
        began = io.now()
        with self._lock:
            wanted = {
                job_id
                for job_id, watching in self._watched.items()
                # What is due before the next look can be is taken along.
                if any(
                    self.closed or min(each.due - each.first, waiter.last_look) <= began
                    for waiter, each in watching.items()
                )
            }
            alone = len(self._watched) == 1
        look = StatusFetcher(self._session, self, self._unlisted, self._options, leader.deadline)
        try:
            if alone:
                await look.singly(list(wanted))
            else:
                await look.at_many(wanted)
        except MusicAiError as error:
            if not is_transient(error):
                self._fail((waiter for waiter in self.waiters if waiter is not leader), error)
                raise
            what = f"job {next(iter(wanted))}" if alone else f"{len(wanted)} jobs"
            logger.warning("waiting for %s: a poll failed (%s); the wait goes on", what, error)
        with self._lock:
            self._looked = io.now()
            self._put_off(wanted, began)

    def _put_off(self, wanted: Iterable[str], began: float) -> None:
        """Sets the next look at jobs that were looked at, whatever came of it."""
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - so that many clients don't poll in step
        for job_id in wanted:
            for waiter, watched in self._watched.get(job_id, {}).items():
                waiter.looked = began
                watched.since = min(watched.since, began)  # a little early, with those that were due
                watched.put_off(self._looked, jitter)
                if waiter.last_look == NEVER:
                    waiter.signal.set()  # perhaps its last

    def saw(self, job_id: str, seen: JobState | Job[Any]) -> None:
        """Writes a job's state to those who wait for it. Called without the lock, by the look."""
        now = self._session.io.now()
        with self._lock:
            jitter = random.uniform(0.8, 1.2)  # noqa: S311
            for waiter, watched in list(self._watched.get(job_id, {}).items()):
                watched.put_off(now, jitter)
                if watched.status != seen.status:
                    watched.status = seen.status
                    if waiter.on_update is not None:
                        # Some short answers are said to have no id.
                        waiter.news.append(
                            seen
                            if isinstance(seen, JobState) and seen.id
                            else JobState(id=job_id, status=seen.status)
                        )
                        waiter.signal.set()
                if isinstance(seen, Job) and seen.done:
                    waiter.ended[job_id] = seen
                    del waiter.jobs[job_id]
                    if not waiter.jobs:
                        waiter.signal.set()
            if isinstance(seen, Job) and seen.done and job_id in self._watched:
                del self._watched[job_id]
                self._session.durations.finished(seen, now)
                self._unlisted.discard(job_id)

    def failed(self, job_id: str, error: MusicAiError) -> None:
        """Ends those who wait for a job that can't be looked at. Called without the lock, by the look."""
        self._unlisted.discard(job_id)
        self._fail(self._watched.get(job_id, {}), error)

    def _fail(self, waiters: Iterable[Waiter], error: MusicAiError) -> None:
        with self._lock:
            for waiter in list(waiters):
                # Each its own: an error that is raised in several threads collects all their frames.
                waiter.error = copy.copy(error)
                waiter.signal.set()


class Pollers:
    """The pollers of one client in one process: those with per-call settings share with those with the same ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pollers: dict[str, Poller] = {}
        self._closed = False

    @contextmanager
    def joined(self, session: Session, waiter: Waiter, options: RequestOptions) -> Generator[Poller]:
        """The poller for a waiter, for as long as the block lasts."""
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
        """Lets everybody who waits meet the closed client."""
        with self._lock:
            self._closed = True
            for poller in self._pollers.values():
                poller.closed = True
                poller.wake()
