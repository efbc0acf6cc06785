"""asyncio timeouts that also work when a test has frozen the event loop's clock."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from math import inf
from types import BuiltinFunctionType, TracebackType
from typing import Self

from musicai_sdk._io import clock


def is_real(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the loop uses the operating system's clock. With freezegun, the loop doesn't, and its timers never fire.

    A replaced clock may happen to show the right time, so this also checks the clock function itself.
    """
    return isinstance(time.monotonic, BuiltinFunctionType) and abs(loop.time() - clock.now()) < 1.0


async def sleep(seconds: float) -> None:
    """Sleeps for the given time."""
    if is_real(asyncio.get_running_loop()):
        await asyncio.sleep(seconds)
        return
    async with Limit(seconds):
        await asyncio.Event().wait()


class Limit:
    """A block that ends when its time is up, without raising an error."""

    def __init__(self, seconds: float) -> None:
        self.late: bool = False
        """Whether the block ended because its time was up."""
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._timer: threading.Timer | None = None

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        if self._seconds != inf:
            loop = asyncio.get_running_loop()
            if is_real(loop):
                self._timeout.reschedule(loop.time() + self._seconds)
            else:
                self._timer = threading.Timer(max(0.0, self._seconds), self._ring, [loop])
                self._timer.daemon = True
                self._timer.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            self.late = True
        return self.late

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        def ring() -> None:
            with suppress(RuntimeError):  # the block has ended
                self._timeout.reschedule(loop.time())

        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(ring)
