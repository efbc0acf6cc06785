"""Work that outlives the call that started it: a repeat of the call joins it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Running:
    """The uploads, creations and downloads under way, by what was asked."""

    def __init__(self) -> None:
        self._tasks = dict[Hashable, asyncio.Task[Any]]()

    async def join(
        self, asked: Hashable, start: Callable[[], Coroutine[Any, Any, T]], patience: float
    ) -> T | None:
        """The outcome of the work for a call; None when it takes longer than that.

        The work goes on then, and also when the caller is cancelled. A result is kept until it was returned once, an
        error only for who is waiting.

        Args:
            asked: What identifies the call.
            start: Starts the work, unless it is under way.
            patience: Seconds to wait.
        """
        task: asyncio.Task[T] | None = self._tasks.get(asked)
        if task is None:
            task = self._tasks[asked] = asyncio.create_task(start())
            task.add_done_callback(lambda done: self._forget_failed(asked, done))
        done, _ = await asyncio.wait({task}, timeout=patience)
        if not done:
            return None
        self._tasks.pop(asked, None)
        return task.result()

    async def close(self, grace: float) -> None:
        """Lets the work go on for some seconds, and cancels the rest."""
        tasks = set(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _forget_failed(self, asked: Hashable, done: asyncio.Task[Any]) -> None:
        # Looking at the error also keeps asyncio from reporting it as never retrieved.
        if done.cancelled() or done.exception() is not None:
            self._tasks.pop(asked, None)
