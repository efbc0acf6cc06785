"""The clock of the drivers: monotonic, and real also where a test has frozen Python's clocks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

_CLOCK: int | None = getattr(time, "CLOCK_UPTIME_RAW", getattr(time, "CLOCK_MONOTONIC", None))
"""The clock behind `time.monotonic`; Windows has no `clock_gettime`."""

now: Callable[[], float] = time.monotonic if _CLOCK is None else partial(time.clock_gettime, _CLOCK)
"""Seconds from some moment on.

freezegun replaces `time.monotonic`, wherever it was imported to. A wait that never ends is no way to test a program, so
the operating system is asked directly. The two are the same clock otherwise.
"""

_BEGAN: dict[int, float] = {}


def began() -> float:
    """When this process began to use the package, by `now()`. A forked child is a process of its own."""
    return _BEGAN.setdefault(os.getpid(), now())
