"""One look at many jobs: by the pages of the list, a hundred with one request; singly where that costs less."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from musicai_sdk._core.deadline import within
from musicai_sdk._core.lists import PAGE_SIZE, JobPages
from musicai_sdk._core.operations import GET_JOB, GET_JOB_STATUS
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retry import is_transient
from musicai_sdk._core.session import Session
from musicai_sdk._io.record import logger
from musicai_sdk.errors import (
    AuthenticationError,
    ConfigurationError,
    MusicAiError,
    PermissionDeniedError,
)
from musicai_sdk.models.job import Job, JobState

SINGLY = 8
"""Jobs that are asked for one by one at the same time."""
_OF_ALL = (AuthenticationError, ConfigurationError, PermissionDeniedError)
"""Errors that asking singly would meet too."""
MOST_SLUGS = 10
"""Workflows that a list is narrowed to; a URL shouldn't grow without end."""


class Board(Protocol):
    """Where it is written what was seen."""

    def saw(self, job_id: str, seen: JobState | Job[Any]) -> None:
        """A job's state; with its last one the whole job follows, or comes at once."""
        ...

    def failed(self, job_id: str, error: MusicAiError) -> None:
        """A job alone can't be looked at, such as one that was deleted meanwhile."""
        ...


@dataclass(slots=True)
class StatusFetcher:
    """One look: where it is told, and how it is taken."""

    session: Session
    board: Board
    unlisted: set[str]
    """Jobs that the last walk has missed, too deep in the list or not in it; from look to look. They are asked for
    singly until a page shows them again."""
    options: RequestOptions
    deadline: float | None
    """No request begins after it."""

    async def at_many(self, wanted: set[str]) -> None:
        """Looks at jobs of which there may be thousands.

        Raises:
            MusicAiError: what isn't about one job: the key, the client, or a trouble that may pass.
        """
        if len(wanted & self.unlisted) > SINGLY:
            self.unlisted -= wanted  # so many are worth a walk
        missed = wanted - self.unlisted
        try:
            if missed:
                await self._at_pages(missed)
        except MusicAiError as error:
            if is_transient(error) or isinstance(error, _OF_ALL):
                raise
            # One job that can't be read, or a list that is refused, mustn't end the wait for those that can be.
            logger.warning("a page of jobs can't be read, they are asked for singly: %s", error)
        else:
            if self._late():
                return
            self.unlisted |= missed
        if rest := missed | (wanted & self.unlisted):
            await self.singly(sorted(rest))

    async def _at_pages(self, missing: set[str]) -> None:
        """Walks the list, newest first as far as that is the service's order, and takes what it finds off `missing`.

        It goes on for as long as a page costs less than asking singly for those that are still missing.
        """
        slugs = {self.session.durations.workflow(job_id) for job_id in missing}
        known = sorted(slug for slug in slugs if slug is not None)
        narrowed = {"workflow": known} if len(known) == len(slugs) <= MOST_SLUGS else {}
        pages = JobPages(self.session, narrowed, PAGE_SIZE, self._options(), deadline=self.deadline)
        walked = 0
        while walked < len(missing) and not self._late() and (page := await pages.next()) is not None:
            walked += 1
            for job in page:
                missing.discard(job.id)
                self.unlisted.discard(job.id)
                self.board.saw(job.id, job)

    async def singly(self, wanted: Sequence[str]) -> None:
        """Asks for each job's status, and for the whole job when it has ended; raises as `at_many`."""
        troubles = list[MusicAiError]()

        async def ask(job_id: str) -> None:
            try:
                await self._at(job_id)
            except MusicAiError as error:
                if isinstance(error, AuthenticationError | ConfigurationError):
                    raise
                if is_transient(error):
                    troubles.append(error)
                else:
                    self.board.failed(job_id, error)

        tasks: list[Callable[[], Coroutine[Any, Any, None]]] = [partial(ask, job_id) for job_id in wanted]
        await self.session.io.gather(tasks, SINGLY)
        if troubles:
            raise troubles[0]

    async def _at(self, job_id: str) -> None:
        if self._late():
            return
        state = await self.session.call(
            GET_JOB_STATUS, job_id=job_id, options=self._options(), deadline=self.deadline
        )
        self.board.saw(job_id, state)
        if state.done:
            job = await self.session.call(
                GET_JOB, job_id=job_id, options=self._options(), deadline=self.deadline
            )
            self.board.saw(job_id, job)

    def _options(self) -> RequestOptions:
        return within(self.session, self.options, self.deadline)

    def _late(self) -> bool:
        """Whether the deadline was over a second ago: the look at the deadline itself is still taken."""
        return self.deadline is not None and self.session.io.now() > self.deadline + 1.0
