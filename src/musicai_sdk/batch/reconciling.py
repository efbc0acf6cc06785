"""Paid POSTs whose answer nobody has: looked for in the list of jobs, all of them in one pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch.failing import FATAL, transient
from musicai_sdk.batch.gaps import END, Gaps, Pages
from musicai_sdk.errors import CreateUncertainError, MusicAiError
from musicai_sdk.models import Job

CLOCKS_APART = 86_400.0
"""How far this machine's clock, when a POST left, and the service's may be apart for a pass to end early, in seconds."""
PAGE = 100
"""Jobs on a page of the list: the service's default."""
_SHORTER = 13
"""By how many percent the pages of each further walk are shorter: they have to begin elsewhere, see `Gaps`."""
_WALKS = 5
"""How many walks are made to be certain that a job isn't listed; two are enough almost always, of one page one."""
_FIRST_PAUSE = 0.5
_PASSES_MORE = 3
"""How many passes may fail after the grace period, before what they look for is given up for this run."""


@dataclass(slots=True)
class _Wanted:
    found: asyncio.Future[Job[Any] | None]
    made_at: float
    """When the POST was about to leave, in seconds since 1970 on this machine's clock."""
    until: float
    """Of passes that begin later than this it is believed that it isn't listed."""
    failed: int = 0
    """How many passes since then couldn't read the list."""
    walks: int = 0
    """How many have read it, and haven't found it."""
    gaps: Gaps | None = None
    """Where the first of these may have missed it."""

    def missed(self, key: str, gaps: Gaps, pages: Pages) -> None:
        """Takes note of a whole walk that hasn't found it."""
        self.walks += 1
        if self.gaps is None:
            self.gaps = gaps
        else:
            self.gaps.close(pages)
        if self.gaps.closed:
            self.found.set_result(None)
        elif self.walks >= _WALKS:
            _fail(self.found, _unknown(key, "jobs come and go faster than they can be listed"))


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
        """The job with this key; None if it certainly isn't listed after the grace period.

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
            last = {key: wanted for key, wanted in asked.items() if began >= wanted.until}
            try:
                pages = await self._pass(
                    # One page stays one request for as long as there is nothing to be made certain.
                    PAGE * (100 - _SHORTER * max(wanted.walks for wanted in asked.values())) // 100,
                    to_its_end=bool(last),
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                if not isinstance(error, MusicAiError) or isinstance(error, FATAL):
                    for wanted in self._wanted.values():
                        _fail(wanted.found, error)
                    return
                # "Not listed" is only believed of a whole pass.
                failed = True
                self._warn(f"can't list jobs to look for lost ones: {error}")
                for key, wanted in asked.items():
                    wanted.failed += key in last
                    if not transient(error) or wanted.failed > _PASSES_MORE:
                        _fail(wanted.found, _unknown(key, f"jobs can't be listed ({error})"))
            else:
                gaps = Gaps(pages)
                for key, wanted in last.items():
                    if not wanted.found.done():
                        wanted.missed(key, gaps, pages)
            await asyncio.sleep(0)
            self._wanted = {key: each for key, each in self._wanted.items() if not each.found.done()}
            if self._wanted:
                next_end = min(wanted.until for wanted in self._wanted.values()) - time.monotonic()
                await asyncio.sleep(pause if failed else max(0.05, min(pause, next_end)))
                pause = min(pause * 2, max(1.0, self._grace / 4))

    async def _pass(self, size: int, *, to_its_end: bool) -> Pages:
        """One walk through the list, to its end, or until everything is found.

        Unless it has to be whole, it ends early at jobs that are older than everything that is looked for: two clocks
        and an order that isn't documented are good enough to look again later, and not to believe that a job that may
        be paid for doesn't exist.
        """
        times = [wanted.made_at for wanted in self._wanted.values()]
        # A clock that was ahead when a POST left says nothing of where its job is in the list.
        newest_first, last = not to_its_end and max(times) <= time.time(), float("inf")
        pages, asked = list[list[str]](), 0
        # The list comes as one; where its pages end is seen from the requests.
        with self._client.record() as exchanges:
            async for job in self._client.jobs.list(workflow=[self._slug], page_size=size):
                if len(exchanges) > asked:
                    pages.append([])
                    asked = len(exchanges)
                pages[-1].append(job.id)
                wanted = self._wanted.get(job.idempotency_key or "")
                if wanted is not None and not wanted.found.done():
                    wanted.found.set_result(job)
                if all(each.found.done() for each in self._wanted.values()):
                    return pages
                made = job.created_at.timestamp() if job.created_at is not None else last
                if last == float("inf"):
                    # Nor one that was ahead of the service's, whose own times say so.
                    newest_first = newest_first and max(times) <= made
                newest_first = newest_first and made <= last
                last = made
                # Only a list that has kept the order so far is trusted to go on like that.
                if newest_first and made < min(times) - CLOCKS_APART:
                    return pages
            if len(exchanges) > asked:
                pages.append([])
        pages[-1].append(END)
        return pages


def _fail(found: asyncio.Future[Job[Any] | None], error: Exception) -> None:
    if not found.done():
        found.set_exception(error)
        found.exception()  # it may be that nobody waits for it


def _unknown(key: str, why: str) -> CreateUncertainError:
    return CreateUncertainError(
        f"whether its job was created isn't known, because {why}: it isn't sent again, and the next run looks for it",
        idempotency_key=key,
    )
