"""Work that outlives the call that started it. A repeated call joins that work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SharedTasks:
    """The running uploads, creations and downloads, by the call that requested them."""

    def __init__(self) -> None:
        self._tasks = dict[Hashable, asyncio.Task[Any]]()

    async def join(
        self, call: Hashable, start: Callable[[], Coroutine[Any, Any, T]], patience: float
    ) -> T | None:
        """Returns the result of the work for a call; None if it takes longer than `patience`.

        If this returns None, or the caller is cancelled, the work continues. A result is kept until one call has
        returned it. An error reaches only the calls that wait for it.

        Args:
            call: The identity of the call.
            start: Starts the work. Not called if the work is already running.
            patience: Seconds to wait.
        """
        task: asyncio.Task[T] | None = self._tasks.get(call)
        if task is None:
            task = self._tasks[call] = asyncio.create_task(start())
            task.add_done_callback(lambda done: self._forget_failed(call, done))
        done, _ = await asyncio.wait({task}, timeout=patience)
        if not done:
            return None
        self._tasks.pop(call, None)
        return task.result()

    async def close(self, grace: float) -> None:
        """Waits up to `grace` seconds for running work, and cancels the rest."""
        tasks = set(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _forget_failed(self, call: Hashable, done: asyncio.Task[Any]) -> None:
        # Calling `exception()` also keeps asyncio from reporting the error as never retrieved.
        if done.cancelled() or done.exception() is not None:
            self._tasks.pop(call, None)
