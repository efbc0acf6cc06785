"""Paid POSTs whose answer nobody has: looked for in the list of jobs, all of them in one pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.failing import FATAL, transient
from musicai_sdk.errors import CreateUncertainError, MusicAiError
from musicai_sdk.models import Job

CLOCKS_APART = 86_400.0
"""How far this machine's clock, when a POST left, and the service's may be apart for a pass to end early, in seconds."""
PAGE = 100
"""Jobs on a page of the list: the service's default."""
_FIRST_PAUSE = 0.5
_PASSES_MORE = 3
"""How many passes may fail after the grace period, before what they look for is given up for this run."""


@dataclass(slots=True)
class _Wanted:
    found: asyncio.Future[Job[Any] | None]
    made_at: float
    """When the POST was about to leave, in seconds since 1970 on this machine's clock."""
    until: float
    """A pass that begins later than this and doesn't find it is the last."""
    failed: int = 0
    """How many passes since then couldn't read the list."""


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
        """The job with this key; None if it isn't listed by a pass that began after the grace period.

        Raises:
            CreateUncertainError: the list can't be read, so whether there is such a job isn't known.
        """
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
            asked, failed = dict(self._wanted), False
            try:
                await self._pass()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                if not isinstance(error, MusicAiError) or isinstance(error, FATAL):
                    for wanted in self._wanted.values():
                        _fail(wanted.found, error)
                    return
                # "Not listed" is only believed of a whole pass.
                failed = True
                self._warn(f"can't list jobs to look for lost ones: {error}")
                for key, wanted in asked.items():
                    wanted.failed += began >= wanted.until
                    if not transient(error) or wanted.failed > _PASSES_MORE:
                        _fail(wanted.found, _unknown(key, error))
            else:
                for wanted in asked.values():
                    if began >= wanted.until and not wanted.found.done():
                        wanted.found.set_result(None)
            await asyncio.sleep(0)
            self._wanted = {key: each for key, each in self._wanted.items() if not each.found.done()}
            if self._wanted:
                next_end = min(wanted.until for wanted in self._wanted.values()) - time.monotonic()
                await asyncio.sleep(pause if failed else max(0.05, min(pause, next_end)))
                pause = min(pause * 2, max(1.0, self._grace / 4))

    async def _pass(self) -> None:
        """One walk through the list, to its end, or to jobs that are older than everything that is looked for."""
        times = [wanted.made_at for wanted in self._wanted.values()]
        # A clock that was ahead when a POST left says nothing of where its job is in the list.
        newest_first, last = max(times) <= time.time(), float("inf")
        async for job in self._client.jobs.list(workflow=[self._slug], page_size=PAGE):
            wanted = self._wanted.get(job.idempotency_key or "")
            if wanted is not None and not wanted.found.done():
                wanted.found.set_result(job)
            if all(each.found.done() for each in self._wanted.values()):
                return
            made = job.created_at.timestamp() if job.created_at is not None else last
            if last == float("inf"):
                # Nor one that was ahead of the service's, whose own times say so.
                newest_first = newest_first and max(times) <= made
            newest_first = newest_first and made <= last
            last = made
            # The order isn't documented: only a list that has kept it so far is trusted to go on like that.
            if newest_first and made < min(times) - CLOCKS_APART:
                return


def _fail(found: asyncio.Future[Job[Any] | None], error: Exception) -> None:
    if not found.done():
        found.set_exception(error)
        found.exception()  # it may be that nobody waits for it


def _unknown(key: str, error: MusicAiError) -> CreateUncertainError:
    return CreateUncertainError(
        f"whether its job was created isn't known, because jobs can't be listed ({error}): it isn't sent again, and the"
        " next run looks for it",
        idempotency_key=key,
    )
