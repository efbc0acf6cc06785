"""Requests whose answer was lost: neither clocks, nor later refusals, nor changed metadata lead to a second payment."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.errors import CreateUncertainError, RateLimitError
from musicai_sdk.mcp.addresses import Addresses
from musicai_sdk.mcp.errors import ToolError
from musicai_sdk.mcp.job_creator import JobCreator, order_of
from musicai_sdk.mcp.roots import Roots
from musicai_sdk.mcp.state import State
from support.job_service import Job, JobService, serving

LOST = (502, b"bad gateway")


@pytest.fixture
def service() -> Iterator[JobService]:
    with serving(JobService()) as service:
        service.status = "QUEUED"
        yield service


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def nothing_listed(_jobs: list[Job], _page: int, _size: int) -> list[Job]:
    return []


def creating(
    service: JobService, state: State, work: Callable[[Callable[[int], Awaitable[str]]], Awaitable[None]]
) -> None:
    """Calls `work` with a function that creates the job of a song."""

    async def main() -> None:
        async with AsyncMusicAiClient("key", base_url=service.base_url, max_retries=0) as client:
            creator = JobCreator(
                client, Roots([state.folder.parent], state.folder), state, Addresses(client.base_url), 1
            )

            async def create(song: int) -> str:
                order = order_of("music-ai/stems", f"https://songs.example/{song}.wav", "inputUrl", {})
                return (await creator.create(order, {})).job_id

            await work(create)

    asyncio.run(main())


def test_a_refused_repeat_does_not_forget_the_lost_request(service: JobService, state: State) -> None:
    async def work(create: Callable[[int], Awaitable[str]]) -> None:
        service.paging = nothing_listed
        service.answer = LOST
        with pytest.raises(ToolError, match="answer of the service was lost"):
            await create(1)
        service.answer = (429, b'{"message": "slow down"}')
        with pytest.raises(RateLimitError):
            await create(1)
        with pytest.raises(ToolError, match="all 1 jobs"):
            await create(2)

    creating(service, state, work)
    assert state.used() == 1


@pytest.mark.parametrize("sent_at", ["sent_at + 86400", "5"], ids=["ahead", "behind"])
def test_a_clock_that_was_wrong(service: JobService, state: State, sent_at: str) -> None:
    async def work(create: Callable[[int], Awaitable[str]]) -> None:
        service.paging = nothing_listed
        service.answer = LOST
        with pytest.raises(ToolError, match="answer of the service was lost"):
            await create(1)
        with closing(sqlite3.connect(state.folder / "requests.sqlite3")) as database, database:
            database.execute(f"UPDATE requests SET sent_at = {sent_at}")
        walks = 0

        def late(jobs: list[Job], page: int, size: int) -> list[Job]:
            nonlocal walks
            walks += page == 0
            return jobs[page * size : (page + 1) * size] if walks > 4 else []

        service.paging = late
        assert await asyncio.wait_for(create(1), 60) == service.jobs[0]["id"]

    creating(service, state, work)
    assert len(service.posts) == 1


def test_a_job_whose_metadata_was_replaced(service: JobService, state: State) -> None:
    async def work(create: Callable[[int], Awaitable[str]]) -> None:
        service.listed = service.fetched = lambda job: {**job, "metadata": {"source": "api"}}
        service.answer = LOST
        for _ in range(2):
            with pytest.raises(CreateUncertainError):
                await create(1)
            service.answer = None

    creating(service, state, work)
    assert len(service.posts) == 1
