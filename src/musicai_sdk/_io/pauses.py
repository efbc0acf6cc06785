"""Awaits a coroutine without the pauses that anyio's locks make."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


@coroutine
def unpaused(work: Coroutine[Any, Any, T], most: int) -> Generator[Any, Any, T]:
    """Awaits a coroutine, but skips its first pauses, such as `asyncio.sleep(0)`.

    anyio pauses after it has taken a lock, even a free one, so that other tasks can run. Each pause costs a pass of the
    event loop with a system call, and a request waits for the network anyway.

    Args:
        work: The coroutine.
        most: The number of pauses to skip. Further ones must pass, because anyio also waits for a cancellation in a
            loop of pauses.
    """
    skipped = 0
    try:
        step = work.send(None)
        while True:
            if step is None and skipped < most:
                skipped += 1
                step = work.send(None)
                continue
            try:
                sent = yield step
            except BaseException as error:  # noqa: BLE001 - the coroutine raises it
                step = work.throw(error)
            else:
                step = work.send(sent)
    except StopIteration as stop:
        result: T = stop.value
        return result
