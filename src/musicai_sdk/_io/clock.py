"""The monotonic clock of the drivers, which runs even if a test has frozen Python's clocks."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

now: Callable[[], float]
"""Seconds since an arbitrary moment.

freezegun replaces `time.monotonic` in all modules, and a wait by a frozen clock would never end. So this function reads
the same clock directly from the operating system.
"""

if sys.platform == "win32":  # Windows has no `clock_gettime`
    now = time.monotonic
else:
    now = partial(time.clock_gettime, getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC))

LONGEST_WAIT = 0.2 if sys.platform == "win32" else threading.TIMEOUT_MAX
"""The most seconds that a thread waits at a time. On Windows, signal handlers, including Ctrl-C's, run only after a
wait."""


def wait_in_slices(
    wait: Callable[[float], object], seconds: float | None, longest: float = LONGEST_WAIT
) -> None:
    """Blocks for some seconds, or forever if None, by calls of `wait` that take at most `longest` seconds each.

    Returns early when a call of `wait` returns a true value.
    """
    until = math.inf if seconds is None else now() + seconds
    while (left := until - now()) > 0 and not wait(min(left, longest)):
        pass


_BEGAN: dict[int, float] = {}


def began() -> float:
    """The time of `now()` at which this process began to use the package. A forked child starts again."""
    return _BEGAN.setdefault(os.getpid(), now())
