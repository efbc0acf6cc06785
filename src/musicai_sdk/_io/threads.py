"""Daemon threads for transfers, which never delay the end of the interpreter.

Threads of `concurrent.futures` delay the end of the interpreter, and can't be started during shutdown.
"""

from __future__ import annotations

import contextvars
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from musicai_sdk._io import cancelling, clock
from musicai_sdk._io.cancelling import Work

T = TypeVar("T")

PATIENCE = 0.5
"""Seconds to wait for cancelled threads to finish their current step."""
_LOOK_EVERY = 0.2
"""Seconds between checks of whether the waiting work itself was cancelled."""
_numbers = itertools.count(1)


def start(function: Callable[[], object]) -> threading.Thread:
    """Starts a thread.

    Raises:
        RuntimeError: the system has no more threads, or the interpreter is shutting down.
    """
    thread = threading.Thread(target=function, name=f"musicai_sdk-{next(_numbers)}", daemon=True)
    thread.start()
    return thread


_IDLE = 0.5
"""Seconds for which a thread of `run` waits for more work."""
_idle = deque[SimpleQueue[Callable[[], object]]]()
"""The inboxes of threads that wait for work."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # the child has none of these threads


def run(function: Callable[[], object]) -> None:
    """Calls a function in a thread, which may have called others before: starting one costs as much as a small request.

    Raises:
        RuntimeError: as `start`.
    """
    try:
        inbox = _idle.pop()
    except IndexError:
        inbox = SimpleQueue[Callable[[], object]]()
        inbox.put(function)
        # Not with the function itself: a thread keeps its target until it ends.
        start(partial(_run_all_of, inbox))
    else:
        inbox.put(function)


def _run_all_of(inbox: SimpleQueue[Callable[[], object]]) -> None:
    """Calls the functions that arrive, until none has arrived for a while."""
    function: Callable[[], object] | None = inbox.get()
    while function is not None:
        function()
        function = None  # it may hold a whole transfer
        _idle.append(inbox)
        try:
            function = inbox.get(timeout=_IDLE)
        except Empty:
            with suppress(ValueError):
                _idle.remove(inbox)
                return
            function = inbox.get()  # `run` has just taken the inbox


def run_all(functions: Sequence[Callable[[], T]], limit: int) -> list[T]:
    """Calls all functions, at most `limit` at once, each in a copy of this context.

    After the first error, or if this thread is interrupted, cancels the running functions and starts no others. Raises
    the first error.
    """
    return _Group(functions).run(limit)


class _Group(Generic[T]):
    def __init__(self, functions: Sequence[Callable[[], T]]) -> None:
        self._tasks = list(enumerate(functions))[::-1]
        self._contexts = [contextvars.copy_context() for _ in functions]
        self._results: dict[int, T] = {}
        self._error: BaseException | None = None
        self._works = set[Work]()
        self._cancelled = threading.Event()
        self._left = len(functions)
        self._over = threading.Event()
        """Set when all tasks are done, or one has failed."""
        self._lock = threading.Lock()

    def run(self, limit: int) -> list[T]:
        ends = list[threading.Event]()
        try:
            with suppress(RuntimeError):  # continue with fewer threads
                while len(ends) < min(limit, len(self._contexts)):
                    run(partial(self._work, end := threading.Event()))
                    ends.append(end)
            if not ends:
                self._work(threading.Event())
            while not self._over.wait(_LOOK_EVERY):
                cancelling.check()
        finally:
            self._cancel()
            until = clock.now() + PATIENCE
            for end in ends:
                end.wait(max(0.0, until - clock.now()))
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in range(len(self._contexts))]

    def _work(self, end: threading.Event) -> None:
        """Runs tasks until none are left, and sets the event."""
        try:
            self._run_tasks()
        finally:
            end.set()

    def _run_tasks(self) -> None:
        """Runs tasks until none are left, or one has failed."""
        work = Work(self._cancelled)
        with self._lock:
            self._works.add(work)
        while True:
            try:
                number, function = self._tasks.pop()
            except IndexError:
                return
            try:
                result = work.run(self._contexts[number], function)
            except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
                with self._lock:
                    self._error = self._error or error
                    self._tasks.clear()
                self._over.set()
                return
            with self._lock:
                self._results[number] = result
                self._left -= 1
                if self._left == 0:
                    self._over.set()

    def _cancel(self) -> None:
        """Cancels the running tasks."""
        self._cancelled.set()  # one step cancels all, because a second interrupt may come at any moment
        self._tasks.clear()
        with self._lock:
            works = list(self._works)
        for work in works:
            work.cancel()
