"""The signal of service managers, as a wish to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def drained_by_sigterm(drain: Callable[[], object]) -> Generator[None]:
    """Within the block SIGTERM drains the run, as Ctrl-C does; `docker stop` and systemd send it."""

    def end(_number: int, _frame: FrameType | None) -> None:
        drain()

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
