"""Runs a coroutine on an event loop in a thread of its own, whether or not a loop is running here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")

_WAKE = 0.5
"""The longest wait for the thread, in seconds. On Windows, signals don't interrupt a wait: handlers run between two waits."""


def run_in_thread(main: Callable[[], Coroutine[Any, Any, T]], stop: Callable[[], object]) -> T:
    """Runs a coroutine to its end on a new event loop, and returns or raises what it returns or raises.

    The coroutine sees the context variables of the caller, in a copy. Signal handlers run here meanwhile.

    Args:
        main: Creates the coroutine.
        stop: Called if an exception, such as that of a signal handler, ends the wait. This function then still waits for
            the thread, because its work must not outlive the call.
    """
    context = copy_context()
    with ThreadPoolExecutor(1, thread_name_prefix="musicai-loop") as thread:
        running = thread.submit(context.run, lambda: asyncio.run(main()))
        try:
            while not running.done():
                wait([running], timeout=_WAKE)
        except BaseException:
            stop()
            raise
        return running.result()
