"""Work in a thread that another thread can cancel, even while it waits for a silent connection."""

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
    """Ends cancelled work in its thread."""


class Work:
    """A piece of work, with at most one exchange at a time."""

    def __init__(self, cancelled: threading.Event | None = None) -> None:
        self._cancelled = cancelled or threading.Event()
        """Set when the work is cancelled. Several pieces of work may share this event."""
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def run(self, context: contextvars.Context, function: Callable[[], T]) -> T:
        """Calls a function in a context, as part of this work."""

        def run() -> T:
            _current.set(self)
            return function()

        return context.run(run)

    def cancel(self) -> None:
        """Cancels the work. May be called from any thread, and more than once."""
        self._cancelled.set()
        with self._lock:
            if self._connection is not None:
                shut(self._connection)

    def is_cancelled(self) -> bool:
        """Whether the work was cancelled."""
        return self._cancelled.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleeps until the time is up or the work is cancelled."""
        self._cancelled.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raises `WorkCancelled` if the work was cancelled."""
        if self._cancelled.is_set():
            raise WorkCancelled

    def uses(self, connection: object) -> None:
        """Notes the socket that the work is waiting for; None when the wait has ended."""
        with self._lock:
            self._connection = connection if isinstance(connection, socket.socket) else None
            if self._cancelled.is_set() and self._connection is not None:
                shut(self._connection)


def current() -> Work | None:
    """The work that this code is part of, if any."""
    return _current.get()


def check() -> None:
    """Raises `WorkCancelled` if the current work was cancelled."""
    work = _current.get()
    if work is not None:
        work.check()


def cancellation() -> Callable[[], bool]:
    """Returns a function that returns whether the current work was cancelled, also later and in other threads."""
    work = _current.get()
    return work.is_cancelled if work is not None else lambda: False
