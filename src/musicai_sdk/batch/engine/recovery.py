"""Paid POSTs whose answer nobody has: looked for in the list of jobs, all of them in one search."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._job_search import SearchResult, Wanted, search
from musicai_sdk.batch.engine.failures import FATAL, transient
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.errors import CreateUncertainError, MusicAiError
from musicai_sdk.models import Job

_FIRST_PAUSE = 0.5
_PASSES_MORE = 3
"""How many searches may fail after the grace period, before what they look for is given up for this run."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither a job nor its absence is shown by the list, and looking once more in this run would show no more."""

    reason: str
    """Why, for a person."""


Found: TypeAlias = "Job[Any] | Unknown | None"
"""The job; None where its absence is proven."""


def job_name(track: Track) -> str:
    """What a track's job is called."""
    return PurePosixPath(track.folder).name


@dataclass(slots=True)
class _Lost:
    wanted: Wanted
    answer: asyncio.Future[Found]
    until: float
    """Of searches that begin later than this it is believed that it isn't listed."""
    failed: int = 0
    """How many searches since then couldn't read the list."""


class LostJobFinder:
    """Looks for jobs by their idempotency keys. However many are looked for, one search is for all of them.

    During the grace period only the newest jobs are read, again and again; a search that proves absence begins after it.
    """

    def __init__(
        self, client: AsyncMusicAiClient, slug: str, grace: float, warn: Callable[[str], object]
    ) -> None:
        self._client = client
        self._slug = slug
        self._grace = grace
        self._warn = warn
        self._lost = dict[str, _Lost]()
        self._task: asyncio.Task[None] | None = None
        self._told = False

    def expect(self, track: Track) -> asyncio.Future[Found]:
        """Begins to look for the job of a track that `find` will ask for.

        The grace period begins now: when the POST left an earlier process isn't known, but it was before.
        """
        key = track.idempotency_key or ""
        if key not in self._lost:
            # The parameters without the input: its URL is another one each time.
            wanted = Wanted(key, self._slug, job_name(track), json.loads(track.params))
            answer = asyncio.get_running_loop().create_future()
            self._lost[key] = _Lost(wanted, answer, time.monotonic() + self._grace)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look())
        return self._lost[key].answer

    async def find(self, track: Track) -> Found:
        """The job of a track; None if there certainly is none, as far as a list can show that after the grace period.

        Raises:
            CreateUncertainError: the list can't be read, so whether there is such a job isn't known.
        """
        try:
            return await asyncio.shield(self.expect(track))
        finally:
            lost = self._lost.get(track.idempotency_key or "")
            if lost is not None and lost.answer.done():
                del self._lost[lost.wanted.key]

    def tell(self, reason: str) -> None:
        """Tells, once in a run, what to do where the list doesn't show whether a job exists."""
        if not self._told:
            self._told = True
            self._warn(
                f"whether a job was created can't be seen from the list of jobs: {reason}. It isn't sent again by itself,"
                " because it may be paid for. Look for it in the dashboard; only if it isn't there,"
                " retry_uncertain=True (--retry-uncertain) sends it once more"
            )

    async def close(self) -> None:
        """Ends the search."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _look(self) -> None:
        pause = _FIRST_PAUSE
        while lost := [each for each in self._lost.values() if not each.answer.done()]:
            began = time.monotonic()
            due = [each for each in lost if began >= each.until]
            failed = False
            try:
                result = await self._search(due or lost, thorough=bool(due))
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                if not isinstance(error, MusicAiError) or isinstance(error, FATAL):
                    for each in lost:
                        _fail(each.answer, error)
                    return
                failed = True
                self._failed(due, error)
            else:
                self._answer(due, lost, result)
            await asyncio.sleep(0)
            if left := [each.until for each in self._lost.values() if not each.answer.done()]:
                next_end = min(left) - time.monotonic()
                await asyncio.sleep(pause if failed else max(0.05, min(pause, next_end)))
                pause = min(pause * 2, max(1.0, self._grace / 4))

    async def _search(self, lost: list[_Lost], *, thorough: bool) -> SearchResult:
        jobs = self._client.jobs
        return await search(
            lambda size: jobs.list(page_size=size).pages(),
            jobs.get,
            [each.wanted for each in lost],
            thorough=thorough,
        )

    def _answer(self, due: list[_Lost], lost: list[_Lost], result: SearchResult) -> None:
        for each in lost:
            if each.answer.done():
                continue
            key = each.wanted.key
            if key in result.found:
                each.answer.set_result(result.found[key])
            elif each in due:
                # "Absent" is only believed of a search that began after the grace period.
                each.answer.set_result(
                    None if key in result.absent else Unknown(result.unknown.get(key, "it isn't known why"))
                )

    def _failed(self, due: list[_Lost], error: MusicAiError) -> None:
        self._warn(f"can't list jobs to look for lost ones: {error}")
        for each in due:
            each.failed += 1
            if not transient(error) or each.failed > _PASSES_MORE:
                reason = f"jobs can't be listed ({error})"
                _fail(each.answer, uncertain(each.wanted.key, reason))


def uncertain(key: str, reason: str) -> CreateUncertainError:
    """The error of a job of which it isn't known whether it exists."""
    return CreateUncertainError(
        f"whether its job was created isn't known, because {reason}: it isn't sent again, and the next run looks for it",
        idempotency_key=key,
    )


def _fail(answer: asyncio.Future[Found], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # it may be that nobody waits for it
