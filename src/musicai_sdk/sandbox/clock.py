"""The sandbox's clock: time stamps, expiries and signatures follow it, and a test may move it on."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Clock:
    """The time of day, plus whatever it was advanced by."""

    def __init__(self) -> None:
        self._advancing = threading.RLock()
        self._ahead = 0.0
        self._listeners: list[tuple[Callable[[], object], Callable[[], float | None]]] = []

    def now(self) -> float:
        """Returns the sandbox's time, in seconds since 1970-01-01 UTC."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Moves the clock forward, and returns when what is due by then has happened.

        Args:
            seconds: By how much. Jobs whose time has come have ended, and signed URLs that ran out meanwhile
                are refused.

        Raises:
            ValueError: If `seconds` is negative: the jobs' time stamps could run backwards.
        """
        if seconds < 0:
            raise ValueError(f"the clock only moves forward; got {seconds!r} seconds")
        with self._advancing:
            target = self.now() + seconds
            # From event to event, so that each of them finds the time that it happens at.
            while (event := self._next_event()) is not None and event < target:
                self._move(event - self.now())
            self._move(target - self.now())

    @contextmanager
    def calling(
        self, listener: Callable[[], object], next_event: Callable[[], float | None]
    ) -> Generator[None]:
        """Calls a function whenever the clock was moved on, for as long as the block lasts.

        Args:
            listener: What is called.
            next_event: Tells the time before which nothing happens; None for when nothing will.
        """
        entry = (listener, next_event)
        self._listeners.append(entry)
        try:
            yield
        finally:
            self._listeners.remove(entry)

    def _next_event(self) -> float | None:
        return min((event for _, ask in self._listeners if (event := ask()) is not None), default=None)

    def _move(self, seconds: float) -> None:
        self._ahead += max(0.0, seconds)
        for listener, _ in list(self._listeners):
            listener()


def iso(seconds: float) -> str:
    """Returns a time stamp as the service writes it: UTC, ms and `Z` (source: official clients and documentation)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
