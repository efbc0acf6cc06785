"""Asks the service about a paid job. One answer that the job doesn't exist isn't enough, and the list may contradict it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._job_search import PAGE_SIZE, WALKS, WalkCoverage
from musicai_sdk.batch.errors import JOB_GONE
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.errors import JobFailedError, NotFoundError, TransferError

ANSWERS = 4
"""How often the service must say that a job is gone, so that one faulty machine of the service can't cost a job."""
_PAUSE = 0.5
"""Seconds between two requests."""

T = TypeVar("T")


async def confirm_gone(track: Track, grace: float, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Returns the service's answer about a track's job. Accepts that the job is gone only after `ANSWERS` such answers.

    Args:
        track: The track.
        grace: Seconds after a job's creation during which the service may not know it yet.
        ask: Asks the service once.

    Raises:
        NotFoundError: the job is gone.
    """
    began, answers = time.monotonic(), 0
    while True:
        try:
            return await ask()
        except NotFoundError:
            answers += 1
            # Use the monotonic clock too, because the clock of an earlier process may have been ahead.
            age = max(time.time() - (track.created_at or 0.0), time.monotonic() - began)
            if answers >= ANSWERS and age > grace:
                raise
            await asyncio.sleep(_PAUSE)


class StillListedError(TransferError):
    """The service says that a job doesn't exist, but its list of jobs has it."""


def contradiction(track: Track) -> StillListedError:
    """The error of a track whose job GET doesn't find, although the list shows it."""
    return StillListedError(
        f"GET says that job {track.job_id} doesn't exist, but the list of jobs shows it; every run asks again"
    )


class JobListing:
    """The ids in the list of jobs, read once in a run, to compare with answers that a job doesn't exist."""

    def __init__(self, client: AsyncMusicAiClient) -> None:
        self._client = client
        self._ids = set[str]()
        self._reading: asyncio.Task[bool] | None = None

    async def confirm_gone(self, track: Track, grace: float, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """As the function `confirm_gone`; but a job that the list shows isn't gone.

        Raises:
            NotFoundError: the job is gone.
            StillListedError: the list shows the job.
        """
        try:
            return await confirm_gone(track, grace, ask)
        except NotFoundError as error:
            if await self.shows(track.job_id or ""):
                raise contradiction(track) from error
            raise

    async def is_useless(self, track: Track, job_id: str) -> bool:
        """Whether the service still says that the job of a failed track has failed, or is gone.

        Raises:
            TransferError: the list doesn't show whether the job is gone.
        """
        try:
            (await self._client.jobs.get(job_id)).raise_for_failure()
        except JobFailedError:
            return True
        except NotFoundError:
            if track.error_code != JOB_GONE:
                return True  # it had failed before it was deleted
            listed = await self.shows(job_id)
            if listed is None:
                raise TransferError(
                    f"GET says that job {job_id} doesn't exist, but the list of jobs can't be read to its end to confirm that"
                ) from None
            return not listed
        return False

    async def shows(self, job_id: str) -> bool | None:
        """Whether the list has a job. None if it wasn't seen, but the list couldn't be read completely.

        Raises:
            MusicAiError: the list can't be read.
        """
        if self._reading is None or (self._reading.done() and self._reading.exception() is not None):
            self._reading = asyncio.create_task(self._read())
        # Cancelling one track must not cancel the reading for the others.
        complete = await asyncio.shield(self._reading)
        return job_id in self._ids or (False if complete else None)

    async def close(self) -> None:
        """Ends the reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _read(self) -> bool:
        """Reads the list until no job can have been missed; returns whether that was possible."""
        coverage, size = WalkCoverage(), PAGE_SIZE
        for _ in range(WALKS):
            pages = [page async for page in self._client.jobs.list(page_size=size).pages()]
            self._ids.update(job.id for page in pages for job in page)
            if not pages or pages[-1] or any(page.unreadable for page in pages):
                return False
            coverage.add(pages)
            if coverage.closed:
                return True
            size = coverage.next_size
        return False
