"""The monotonic clock of the drivers, which is real even if a test has frozen Python's clocks."""

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

freezegun replaces `time.monotonic` in all modules, and a wait by a frozen clock would never end. So this reads the same
clock from the operating system.
"""

if sys.platform == "win32":  # it has no `clock_gettime`
    now = time.monotonic
else:
    now = partial(time.clock_gettime, getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC))

LONGEST_WAIT = 0.2 if sys.platform == "win32" else threading.TIMEOUT_MAX
"""Seconds that a thread waits at a time. Windows runs the handlers of signals, Ctrl-C's too, only after a wait."""


def wait_in_slices(
    wait: Callable[[float], object], seconds: float | None, longest: float = LONGEST_WAIT
) -> None:
    """Blocks for a time, None for ever, in calls of `wait` that take at most `longest` seconds each.

    It returns early when one of them returns something true.
    """
    until = math.inf if seconds is None else now() + seconds
    while (left := until - now()) > 0 and not wait(min(left, longest)):
        pass


_BEGAN: dict[int, float] = {}


def began() -> float:
    """The time of `now()` at which this process began to use the package. A forked child counts anew."""
    return _BEGAN.setdefault(os.getpid(), now())
