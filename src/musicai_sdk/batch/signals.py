"""Signals such as Ctrl-C, handled by a function instead of an exception at an arbitrary point."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_signal(number: signal.Signals, call: Callable[[], object]) -> Generator[None]:
    """Calls a function for every such signal within the block. Has no effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        call()

    before = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)
