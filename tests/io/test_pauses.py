"""Coroutines that are awaited without their first pauses."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._io.pauses import unpaused
from musicai_sdk.sandbox import Sandbox


async def pausing(times: int, steps: list[str]) -> str:
    for _ in range(times):
        await asyncio.sleep(0)
    steps.append("paused")
    return "result"


@pytest.mark.parametrize(("times", "expected"), [(0, 0), (2, 0), (3, 1), (5, 3)])
def test_only_the_first_pauses_are_skipped(times: int, expected: int) -> None:
    async def main() -> None:
        steps = list[str]()

        async def other() -> None:
            while "paused" not in steps:
                steps.append("other")
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        assert await unpaused(pausing(times, steps), 2) == "result"
        assert steps == ["other"] * expected + ["paused"]
        await task

    asyncio.run(main())


def test_waits_and_errors_are_passed_on() -> None:
    async def failing(future: asyncio.Future[str]) -> None:
        await asyncio.sleep(0)
        raise ValueError(await future)

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, "late")
        with pytest.raises(ValueError, match="late"):
            await unpaused(failing(future), 2)

    asyncio.run(main())


def test_a_cancellation_reaches_the_coroutine() -> None:
    steps = list[str]()

    async def patient(started: asyncio.Event) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")

    async def main() -> None:
        started = asyncio.Event()

        async def wait() -> None:
            await unpaused(patient(started), 2)

        task = asyncio.create_task(wait())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert steps == ["cleaned up"]


def test_a_request_in_a_cancelled_scope_of_anyio_ends(sandbox: Sandbox) -> None:
    """anyio's locks wait in a loop of pauses until the cancellation reaches them."""

    async def main() -> None:
        async with AsyncMusicAiClient(sandbox.api_key, base_url=sandbox.base_url) as client:
            await client.application.get()
            with anyio.CancelScope() as scope:
                scope.cancel()
                await client.application.get()
            assert scope.cancelled_caught
            assert (await client.application.get()).id

    asyncio.run(asyncio.wait_for(main(), 30))
