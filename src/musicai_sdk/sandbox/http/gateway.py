"""A gateway between client and service, which can hold a request and deliver it after the client has disconnected."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from musicai_sdk.sandbox.clock import Clock
    from musicai_sdk.sandbox.faults.quirks import CurrentQuirks, Quirks


class Gateway:
    """Holds requests until they are due on the sandbox's clock. Runs on the server's event loop.

    Args:
        quirks: The quirks in force, which determine which requests to hold, and for how long.
        clock: The clock.
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
        """Counts a request. Returns the number of seconds to hold it, or None to deliver it at once."""
        quirks = self._quirks.now
        if not quirks.hold_posts:
            return None
        if quirks is not self._counted:
            self._counted, self._count = quirks, 0
        self._count += 1
        most = quirks.hold_count
        return None if most is not None and self._count > most else quirks.hold_posts

    def hold(self, seconds: float, deliver: Callable[[], Awaitable[None]]) -> None:
        """Calls `deliver` after some seconds. Call this only in the server's thread."""
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
        """Delivers the due requests.

        Returns when the service has acted on them. Don't call this in the server's thread.
        """
        now = self._clock.now()
        with self._lock:
            due = sorted((moment, number) for number, (moment, _) in self._held.items() if moment <= now)
        if due and self._loop is not None:
            delivering = self._deliver([number for _, number in due])
            asyncio.run_coroutine_threadsafe(delivering, self._loop).result()

    def next_due(self) -> float | None:
        """Returns the time on the sandbox's clock when the first held request is due; None if no request is held."""
        with self._lock:
            return min((moment for moment, _ in self._held.values()), default=None)

    def forget(self) -> None:
        """Drops the held requests, and restarts the count."""
        with self._lock:
            self._held.clear()
        self._counted = None

    async def _deliver(self, numbers: list[int]) -> None:
        for number in numbers:
            with self._lock:
                held = self._held.pop(number, None)
            if held is not None:
                await held[1]()
