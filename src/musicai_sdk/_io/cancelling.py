"""Work in a thread that another thread can end: at its next step, and out of the wait for a silent connection."""

from __future__ import annotations

import contextvars
import socket
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from musicai_sdk._io.sockets import shut

T = TypeVar("T")

_current: ContextVar[Work | None] = ContextVar("musicai_sdk_work", default=None)


class WorkCancelled(BaseException):
    """Ends work in a thread of which nobody wants the result any more."""


class Work:
    """One piece of work. It has at most one exchange at a time."""

    def __init__(self, cancelled: threading.Event | None = None) -> None:
        self._cancelled = cancelled or threading.Event()
        """Whether it was ended; several may share one."""
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def run(self, context: contextvars.Context, function: Callable[[], T]) -> T:
        """Calls a function in a context, as this work."""

        def run() -> T:
            _current.set(self)
            return function()

        return context.run(run)

    def cancel(self) -> None:
        """Ends the work. It may be called from any thread, and more than once."""
        self._cancelled.set()
        with self._lock:
            if self._connection is not None:
                shut(self._connection)

    def is_cancelled(self) -> bool:
        """Whether it was ended."""
        return self._cancelled.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleeps, or is woken by the end of the work."""
        self._cancelled.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raises `WorkCancelled` if the work was ended."""
        if self._cancelled.is_set():
            raise WorkCancelled

    def uses(self, connection: object) -> None:
        """Takes note of the socket that the work waits at, or of None when it has left it."""
        with self._lock:
            self._connection = connection if isinstance(connection, socket.socket) else None
            if self._cancelled.is_set() and self._connection is not None:
                shut(self._connection)


def current() -> Work | None:
    """The work that this code is part of, if it can be cancelled."""
    return _current.get()


def check() -> None:
    """Raises `WorkCancelled` if what this code is part of was ended."""
    work = _current.get()
    if work is not None:
        work.check()


def cancellation() -> Callable[[], bool]:
    """Tells whether what this code is part of was cancelled, also to others and later."""
    work = _current.get()
    return work.is_cancelled if work is not None else lambda: False
