"""Paid POSTs whose answer nobody has: looked for in the list of jobs, all of them in one pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.failing import FATAL
from musicai_sdk.errors import MusicAiError
from musicai_sdk.models import Job

CLOCKS_APART = 86_400.0
"""How far this machine's clock and the service's may be apart, in seconds, for a pass to end early."""
PAGE = 100
"""Jobs on a page of the list: the service's default."""
_FIRST_PAUSE = 0.5


@dataclass(slots=True)
class _Wanted:
    found: asyncio.Future[Job[Any] | None]
    made_at: float
    """When the POST was about to leave, in seconds since 1970 on this machine's clock."""
    until: float
    """A pass that begins later than this and doesn't find it is the last."""


class Reconciler:
    """Looks for jobs by their idempotency keys. However many are looked for, a pass is one walk through the list."""

    def __init__(
        self, client: AsyncMusicAiClient, slug: str, grace: float, warn: Callable[[str], object]
    ) -> None:
        self._client = client
        self._slug = slug
        self._grace = grace
        self._warn = warn
        self._wanted: dict[str, _Wanted] = {}
        self._expected = dict[str, asyncio.Future[Job[Any] | None]]()
        self._task: asyncio.Task[None] | None = None

    def expect(self, key: str, made_at: float) -> asyncio.Future[Job[Any] | None]:
        """Begins to look for a job that `look_for` will ask for.

        The grace period begins now: when the POST left an earlier process isn't known, but it was before.
        """
        if key not in self._expected:
            found = self._expected[key] = asyncio.get_running_loop().create_future()
            self._wanted[key] = _Wanted(found, made_at, time.monotonic() + self._grace)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look())
        return self._expected[key]

    async def look_for(self, key: str, made_at: float) -> Job[Any] | None:
        """The job with this key; None if it isn't listed by a pass that began after the grace period."""
        try:
            return await self.expect(key, made_at)
        finally:
            self._expected.pop(key, None)
            self._wanted.pop(key, None)

    async def close(self) -> None:
        """Ends the search."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _look(self) -> None:
        pause = _FIRST_PAUSE
        while self._wanted:
            began = time.monotonic()
            asked = list(self._wanted.values())
            try:
                await self._pass()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                if not isinstance(error, MusicAiError) or isinstance(error, FATAL):
                    for wanted in self._wanted.values():
                        if not wanted.found.done():
                            wanted.found.set_exception(error)
                    return
                # "Not listed" is only believed of a whole pass.
                self._warn(f"can't list jobs to look for lost ones, the next pass follows: {error}")
            else:
                for wanted in asked:
                    if began >= wanted.until and not wanted.found.done():
                        wanted.found.set_result(None)
            await asyncio.sleep(0)
            self._wanted = {key: each for key, each in self._wanted.items() if not each.found.done()}
            if self._wanted:
                next_end = min(wanted.until for wanted in self._wanted.values()) - time.monotonic()
                await asyncio.sleep(max(0.05, min(pause, next_end)))
                pause = min(pause * 2, max(1.0, self._grace / 4))

    async def _pass(self) -> None:
        """One walk through the list, to its end, or to jobs that are older than everything that is looked for."""
        oldest = min(wanted.made_at for wanted in self._wanted.values()) - CLOCKS_APART
        newest_first, last = True, float("inf")
        async for job in self._client.jobs.list(workflow=[self._slug], page_size=PAGE):
            wanted = self._wanted.get(job.idempotency_key or "")
            if wanted is not None and not wanted.found.done():
                wanted.found.set_result(job)
            if all(each.found.done() for each in self._wanted.values()):
                return
            made = job.created_at.timestamp() if job.created_at is not None else last
            newest_first = newest_first and made <= last
            last = made
            # The order isn't documented: only a list that has kept it so far is trusted to go on like that.
            if newest_first and made < oldest:
                return
