"""The gate before the API: limits the simultaneous requests of a client, so that few connections suffice and are reused.

Requests pass in the order of their arrival. More of them at a time wouldn't be answered sooner, and the CPU time of each
would grow with the number of connections. Transfers don't pass the gate: a large file would hold its place for minutes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, Protocol, TypeVar

from musicai_sdk._io import cancelling, clock

REQUESTS = 30
"""The most simultaneous requests of a client to the API, polls excluded."""
POLLS = 2
"""The number of further places for polls, so that a poll for many jobs never waits behind thousands of requests."""
_CHECK_EVERY = 0.2
"""Seconds between checks of whether the waiting work was cancelled."""

_polling: ContextVar[bool] = ContextVar("musicai_sdk_polling", default=False)


@contextmanager
def polling() -> Generator[None]:
    """A block whose requests may use the places for polls, because each of them polls for many waiters."""
    token = _polling.set(True)
    try:
        yield
    finally:
        _polling.reset(token)


class Lane(Protocol):
    """A number of places, as in `asyncio.Semaphore`."""

    def locked(self) -> bool:
        """Whether a new request would have to wait."""
        ...

    def release(self) -> None:
        """Frees a place."""
        ...


L = TypeVar("L", bound=Lane)


class Gate(Generic[L]):
    """The places for the requests of one client in one process."""

    def __init__(self, lane: Callable[[int], L]) -> None:
        self._ordinary = lane(REQUESTS)
        self._polls = lane(POLLS)

    def lane(self) -> L:
        """The lane for a request that arrives now."""
        return self._polls if _polling.get() and self._ordinary.locked() else self._ordinary


class ThreadLane:
    """Places for threads, first come, first served. `threading.Semaphore` doesn't keep the order."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting = deque[threading.Event]()
        self._lock = threading.Lock()

    def locked(self) -> bool:
        """Whether a new request would have to wait."""
        return not self._free

    def acquire(self, seconds: float | None) -> bool:
        """Waits for a place, for at most `seconds`, or without a limit if None. Returns whether the thread got one.

        Raises:
            WorkCancelled: the work of this thread was cancelled meanwhile.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Event()
            self._waiting.append(turn)

        def wait(seconds: float) -> bool:
            cancelling.check()
            return turn.wait(seconds)

        try:
            longest = clock.LONGEST_WAIT if cancelling.current() is None else _CHECK_EVERY
            clock.wait_in_slices(wait, seconds, longest)
        except BaseException:
            if not self._withdraw(turn):
                self.release()
            raise
        return not self._withdraw(turn)

    def _withdraw(self, turn: threading.Event) -> bool:
        """Leaves the queue. Returns False if the thread already got its place."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            return True

    def release(self) -> None:
        """Frees a place, or passes it to the thread that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
