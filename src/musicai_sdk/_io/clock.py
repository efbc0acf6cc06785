"""The clock of the drivers: monotonic, and real also where a test has frozen Python's clocks."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

now: Callable[[], float]
"""Seconds from some moment on.

freezegun replaces `time.monotonic`, wherever it was imported to. A wait that never ends is no way to test a program, so
the operating system is asked directly. The two are the same clock otherwise.
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
    """When this process began to use the package, by `now()`. A forked child is a process of its own."""
    return _BEGAN.setdefault(os.getpid(), now())
