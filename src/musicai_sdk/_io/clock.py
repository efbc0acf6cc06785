"""The monotonic clock of the drivers, which is real even if a test has frozen Python's clocks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

_CLOCK: int | None = getattr(time, "CLOCK_UPTIME_RAW", getattr(time, "CLOCK_MONOTONIC", None))
"""The clock behind `time.monotonic`; Windows has no `clock_gettime`."""

now: Callable[[], float] = time.monotonic if _CLOCK is None else partial(time.clock_gettime, _CLOCK)
"""Seconds since an arbitrary moment.

freezegun replaces `time.monotonic` in all modules, and a wait by a frozen clock would never end. So this reads the same
clock from the operating system.
"""

_BEGAN: dict[int, float] = {}


def began() -> float:
    """The time of `now()` at which this process began to use the package. A forked child counts anew."""
    return _BEGAN.setdefault(os.getpid(), now())
