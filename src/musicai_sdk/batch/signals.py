"""Ctrl-C, and what service managers send, as a wish and not as an exception in the middle of something."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_signal(number: signal.Signals, call: Callable[[], object]) -> Generator[None]:
    """Calls a function at every such signal within the block; only the main thread can have that."""
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
