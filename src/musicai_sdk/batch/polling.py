"""One poller for all jobs in flight: its requests grow with the pages of the list, not with the jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.errors import (
    AuthenticationError,
    ConfigurationError,
    MusicAiError,
    NotFoundError,
    PermissionDeniedError,
    ResponseError,
)
from musicai_sdk.models import Job

FATAL = (AuthenticationError, ConfigurationError, PermissionDeniedError)
"""Errors that every other track would meet too: they end the run."""

PAGE = 100
"""Jobs on a page of the list: the service's default."""
FIRST_PAUSE = 0.2
GROWTH = 1.6
SHARE = 0.1
"""The pause between two polls as a part of how long jobs take: what polling adds to that at most."""
_SINGLY = 8
"""Jobs that are asked for one by one at the same time."""


@dataclass(slots=True)
class _Waiting:
    done: asyncio.Future[Job[Any]]
    since: float = field(default_factory=time.monotonic)


class Poller:
    """Follows jobs until they end.

    A tick walks the list of the workflow's jobs, newest first as far as that is the service's order, until
    every job in flight was seen, but not further than twice their number. Those that weren't on these pages
    are asked for singly.
    """

    def __init__(
        self, client: AsyncMusicAiClient, slug: str, longest_pause: float, warn: Callable[[str], object]
    ) -> None:
        self._client = client
        self._slug = slug
        self._longest_pause = longest_pause
        self._warn = warn
        self._waiting = dict[str, _Waiting]()
        self._task: asyncio.Task[None] | None = None
        self._typical: float | None = None
        """How long jobs take, in seconds, of late."""

    async def wait(self, job_id: str, patience: float | None) -> Job[Any]:
        """Returns the job when it has succeeded or failed.

        Raises:
            NotFoundError: it doesn't exist any more.
            TimeoutError: it hasn't ended within `patience` seconds; the job goes on.
        """
        waiting = self._waiting.get(job_id)
        if waiting is None:
            waiting = self._waiting[job_id] = _Waiting(asyncio.get_running_loop().create_future())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll())
        try:
            return await asyncio.wait_for(asyncio.shield(waiting.done), patience)
        finally:
            self._waiting.pop(job_id, None)

    async def close(self) -> None:
        """Ends the polling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _poll(self) -> None:
        pause = FIRST_PAUSE
        while True:
            await asyncio.sleep(pause)
            if not self._waiting:
                return
            try:
                await self._tick()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                if not isinstance(error, MusicAiError) or isinstance(error, FATAL):
                    for waiting in self._waiting.values():
                        if not waiting.done.done():
                            waiting.done.set_exception(error)
                    return
                # Nothing is lost while the service can't be reached: the jobs go on without us.
                self._warn(f"a poll failed, the next follows: {error}")
            longest = self._longest_pause
            if self._typical is not None:
                longest = min(longest, max(FIRST_PAUSE, SHARE * self._typical))
            pause = min(pause * GROWTH, longest)

    async def _tick(self) -> None:
        unseen = {job_id for job_id, waiting in self._waiting.items() if not waiting.done.done()}
        most = 2 * len(unseen) + PAGE
        try:
            listed = 0
            async for job in self._client.jobs.list(workflow=[self._slug], page_size=PAGE):
                listed += 1
                if job.id in unseen:
                    unseen.discard(job.id)
                    self._saw(job)
                if not unseen or listed >= most:
                    break
        except ResponseError as error:
            self._warn(f"a page of jobs can't be read, they are asked for singly: {error}")
        limit = asyncio.Semaphore(_SINGLY)

        async def ask(job_id: str) -> None:
            async with limit:
                try:
                    self._saw(await self._client.jobs.get(job_id))
                except (NotFoundError, ResponseError) as error:
                    if (waiting := self._waiting.get(job_id)) and not waiting.done.done():
                        waiting.done.set_exception(error)

        results = await asyncio.gather(*map(ask, sorted(unseen)), return_exceptions=True)
        if failure := next((result for result in results if isinstance(result, BaseException)), None):
            raise failure

    def _saw(self, job: Job[Any]) -> None:
        waiting = self._waiting.get(job.id)
        if waiting is None or waiting.done.done() or not job.done:
            return
        took = time.monotonic() - waiting.since
        self._typical = took if self._typical is None else 0.8 * self._typical + 0.2 * took
        waiting.done.set_result(job)
