"""The sandbox's clock, which tests can advance. Time stamps and the expiry of URLs follow it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Clock:
    """The time of day, plus all advances."""

    def __init__(self) -> None:
        self._advancing = threading.RLock()
        self._ahead = 0.0
        self._listeners: list[tuple[Callable[[], object], Callable[[], float | None]]] = []

    def now(self) -> float:
        """Returns the sandbox's time, in seconds since 1970-01-01 UTC."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Moves the clock forward; returns when everything that is due by then has happened.

        Args:
            seconds: How far. Jobs that are due by then have ended, and signed URLs that expire by then are refused.

        Raises:
            ValueError: `seconds` is negative, so that time stamps of jobs could run backwards.
        """
        if seconds < 0:
            raise ValueError(f"the clock only moves forward; got {seconds!r} seconds")
        with self._advancing:
            target = self.now() + seconds
            # From event to event, so that each happens at its own time.
            while (event := self._next_event()) is not None and event < target:
                self._move(event - self.now())
            self._move(target - self.now())

    @contextmanager
    def calling(
        self, listener: Callable[[], object], next_event: Callable[[], float | None]
    ) -> Generator[None]:
        """Calls a function after every advance of the clock within the block.

        Args:
            listener: The function.
            next_event: Returns the time of the next event; None if there is none.
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
