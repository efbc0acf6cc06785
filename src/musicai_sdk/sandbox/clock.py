"""The sandbox's clock: time stamps, expiries and signatures follow it, and a test may move it on."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """The time of day, plus whatever it was advanced by."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = 0.0

    def now(self) -> float:
        """Returns the sandbox's time, in seconds since 1970-01-01 UTC."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Moves the clock forward.

        Args:
            seconds: By how much; signed URLs that run out meanwhile are refused from now on.

        Raises:
            ValueError: If `seconds` is negative: the jobs' time stamps could run backwards.
        """
        if seconds < 0:
            raise ValueError(f"the clock only moves forward; got {seconds!r} seconds")
        with self._lock:
            self._ahead += seconds


def iso(seconds: float) -> str:
    """Returns a time stamp as the service writes it: UTC, ms and `Z` (source: official clients and documentation)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
