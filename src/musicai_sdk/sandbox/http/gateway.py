"""What stands between the client and the service: it can keep a request back, and deliver it when nobody waits."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from musicai_sdk.sandbox.clock import Clock
    from musicai_sdk.sandbox.faults.quirks import CurrentQuirks, Quirks


class Gateway:
    """Holds requests until they are due, on the sandbox's clock. It lives on the server's own loop.

    Args:
        quirks: Which requests it holds, and for how long.
        clock: What they are due by.
    """

    def __init__(self, quirks: CurrentQuirks, clock: Clock) -> None:
        self._quirks = quirks
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[int, tuple[float, Callable[[], Awaitable[None]]]] = {}
        self._number = 0
        self._counted: Quirks | None = None
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks = set[asyncio.Task[None]]()

    def holds(self) -> float | None:
        """Counts a request that could be held; returns for how many seconds it is, None if it isn't."""
        quirks = self._quirks.now
        if not quirks.hold_posts:
            return None
        if quirks is not self._counted:
            self._counted, self._count = quirks, 0
        self._count += 1
        most = quirks.hold_count
        return None if most is not None and self._count > most else quirks.hold_posts

    def hold(self, seconds: float, deliver: Callable[[], Awaitable[None]]) -> None:
        """Calls `deliver` in so many seconds. To be called on the server's own thread."""
        loop = self._loop = asyncio.get_running_loop()
        with self._lock:
            self._number += 1
            number = self._number
            self._held[number] = (self._clock.now() + seconds, deliver)

        def due() -> None:
            task = loop.create_task(self._deliver([number]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        loop.call_later(seconds, due)

    def catch_up(self) -> None:
        """Delivers what is due by the clock; returns when the service has acted on it. Not for the server's own thread."""
        now = self._clock.now()
        with self._lock:
            due = sorted((moment, number) for number, (moment, _) in self._held.items() if moment <= now)
        if due and self._loop is not None:
            delivering = self._deliver([number for _, number in due])
            asyncio.run_coroutine_threadsafe(delivering, self._loop).result()

    def next_due(self) -> float | None:
        """Returns when the first request is due, on the sandbox's clock; None if none is held."""
        with self._lock:
            return min((moment for moment, _ in self._held.values()), default=None)

    def forget(self) -> None:
        """Loses what is held, and counts from the beginning."""
        with self._lock:
            self._held.clear()
        self._counted = None

    async def _deliver(self, numbers: list[int]) -> None:
        for number in numbers:
            with self._lock:
                held = self._held.pop(number, None)
            if held is not None:
                await held[1]()
