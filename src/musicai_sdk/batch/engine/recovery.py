"""Finds the jobs of paid POSTs whose answers are unknown, with one search of the job list for all of them."""

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
_MORE_SEARCHES = 3
"""The number of searches after the grace period that may fail before the run stops searching for these jobs."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """The list proves neither the job's existence nor its absence, and another search in this run wouldn't help."""

    reason: str
    """The reason, for people."""


Found: TypeAlias = "Job[Any] | Unproven | None"
"""The result of a search: the job; `Unproven`; or None if the job's absence is proven."""


def job_name(track: Track) -> str:
    """The name of a track's job."""
    return PurePosixPath(track.folder).name


@dataclass(slots=True)
class _Lost:
    wanted: Wanted
    answer: asyncio.Future[Found]
    until: float
    """The end of the grace period. Only a search that begins later can prove absence."""
    failed: int = 0
    """The number of searches since `until` that couldn't read the list."""


class LostJobFinder:
    """Searches for jobs by their idempotency keys, with one search for all of them.

    During the grace period, it repeatedly reads only the newest jobs. Afterwards, a complete search can prove absence.
    """

    def __init__(
        self, client: AsyncMusicAiClient, slug: str, grace: float, warn: Callable[[str], object]
    ) -> None:
        self._client = client
        self._slug = slug
        self._grace = grace
        self._warn = warn
        self.known: list[str] = []
        """Jobs that existed before the first search. A list without them is incomplete, and proves nothing."""
        self._lost = dict[str, _Lost]()
        self._task: asyncio.Task[None] | None = None
        self._advised = False

    def wanted(self, track: Track) -> Wanted:
        """The job of a track, without the input, whose URL differs every time."""
        return Wanted(track.idempotency_key or "", self._slug, job_name(track), json.loads(track.params))

    def is_another(self, track: Track, job: Job[Any]) -> bool:
        """Whether a job is certainly another request's than the track's."""
        return bool(track.idempotency_key) and not self.wanted(track).could_be(job)

    def expect(self, track: Track) -> asyncio.Future[Found]:
        """Begins to search for the job of a track, before `find` is called.

        The grace period begins now, because it is unknown when the earlier process sent the POST.
        """
        key = track.idempotency_key or ""
        if key not in self._lost:
            answer = asyncio.get_running_loop().create_future()
            self._lost[key] = _Lost(self.wanted(track), answer, time.monotonic() + self._grace)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._search_all())
        return self._lost[key].answer

    async def find(self, track: Track) -> Found:
        """The job of a track; None if certainly no such job exists.

        Raises:
            CreateUncertainError: the list can't be read.
        """
        try:
            return await asyncio.shield(self.expect(track))
        finally:
            lost = self._lost.get(track.idempotency_key or "")
            if lost is not None and lost.answer.done():
                del self._lost[lost.wanted.key]

    def advise(self, reason: str) -> None:
        """Warns, once in a run, that the list doesn't show whether a job exists, and says what to do."""
        if not self._advised:
            self._advised = True
            self._warn(
                f"the list of jobs doesn't show whether a job was created: {reason}. Its request isn't sent again, because"
                " the job may exist and be charged. Look for it in the dashboard; if it isn't there, send the request"
                " again with retry_uncertain=True (--retry-uncertain)"
            )

    async def close(self) -> None:
        """Ends the search."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _open(self) -> list[_Lost]:
        return [each for each in self._lost.values() if not each.answer.done()]

    async def _search_all(self) -> None:
        pause = _FIRST_PAUSE
        while lost := self._open():
            began = time.monotonic()
            due = [each for each in lost if began >= each.until]
            failed = False
            try:
                result = await self._search(due or lost, thorough=bool(due))
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait forever
                if not isinstance(error, MusicAiError) or isinstance(error, FATAL):
                    for each in lost:
                        _fail(each.answer, error)
                    return
                failed = True
                self._note_failure(due, error)
            else:
                self._answer(due, lost, result)
            await asyncio.sleep(0)
            if left := self._open():
                next_end = min(each.until for each in left) - time.monotonic()
                await asyncio.sleep(pause if failed else max(0.05, min(pause, next_end)))
                pause = min(pause * 2, max(1.0, self._grace / 4))

    async def _search(self, lost: list[_Lost], *, thorough: bool) -> SearchResult:
        jobs = self._client.jobs
        return await search(
            lambda size: jobs.list(page_size=size).pages(),
            jobs.get,
            [each.wanted for each in lost],
            thorough=thorough,
            known=self.known,
        )

    def _answer(self, due: list[_Lost], lost: list[_Lost], result: SearchResult) -> None:
        for each in lost:
            key = each.wanted.key
            if each.answer.done():
                continue
            if key in result.found:
                each.answer.set_result(result.found[key])
            elif each in due:
                absent = key in result.absent
                each.answer.set_result(
                    None if absent else Unproven(result.unknown.get(key, "reason unknown"))
                )

    def _note_failure(self, due: list[_Lost], error: MusicAiError) -> None:
        self._warn(f"can't list jobs to look for lost ones: {error}")
        for each in due:
            each.failed += 1
            if not transient(error) or each.failed > _MORE_SEARCHES:
                reason = f"jobs can't be listed ({error})"
                _fail(each.answer, uncertain(each.wanted.key, reason))


def uncertain(key: str, reason: str) -> CreateUncertainError:
    """The error of a track when it is unknown whether its job exists."""
    return CreateUncertainError(
        f"it is unknown whether its job was created, because {reason}. It isn't sent again; the next run searches for"
        f" the job",
        idempotency_key=key,
    )


def _fail(answer: asyncio.Future[Found], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # perhaps no task waits for it
