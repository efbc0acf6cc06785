"""One test, two clients: the asynchronous client behind the synchronous one's signatures."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, Self, cast

from typing_extensions import override

from musicai_sdk import AsyncMusicAiClient, MusicAiClient

Colour = Literal["sync", "async"]


class _Awaited:
    """An object of the asynchronous client whose coroutines are run to their end on one loop."""

    def __init__(self, inner: Any, runner: asyncio.Runner) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_runner", runner)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if callable(value):
            return self._call(value)
        is_room = type(value).__module__.startswith("musicai_sdk.resources")
        return _Awaited(value, self._runner) if is_room else value

    @override
    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._inner, name, value)

    def __enter__(self) -> Self:
        self._runner.run(self._inner.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._runner.run(self._inner.__aexit__(kind, error, traceback))

    def _call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if not inspect.isawaitable(result):
                return result

            async def wait() -> Any:
                return await result

            # In the caller's context, as within one coroutine, so that variables of a `with` block are visible.
            return self._runner.run(wait(), context=contextvars.copy_context())

        return call


def awaited(client: AsyncMusicAiClient, runner: asyncio.Runner) -> MusicAiClient:
    """The asynchronous client with synchronous methods. Lists are returned as a whole."""
    return cast("MusicAiClient", _Awaited(client, runner))


def finish(client: MusicAiClient, work: Coroutine[Any, Any, object]) -> None:
    """Runs a coroutine on the loop of such a client."""
    runner: asyncio.Runner = object.__getattribute__(client, "_runner")
    runner.run(work)
