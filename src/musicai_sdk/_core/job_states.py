"""One poll of many jobs: by list pages of a hundred jobs, or job by job if that takes fewer requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
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
    NotFoundError,
    PermissionDeniedError,
)
from musicai_sdk.models.job import Job, JobState

CONCURRENT_REQUESTS = 8
"""The number of concurrent requests for single jobs."""
_CLIENT_ERRORS = (AuthenticationError, ConfigurationError, PermissionDeniedError)
"""Errors of a list request that requests for single jobs would raise too."""
MOST_SLUGS = 10
"""The most workflows in the filter of a list, which limits the length of the URL."""


class StateReceiver(Protocol):
    """The receiver of states."""

    def receive(self, seen: Mapping[str, JobState | Job[Any]]) -> None:
        """Receives the states of jobs by their ids. After or instead of a final state, receives the whole job."""
        ...

    def failed(self, job_id: str, error: MusicAiError) -> None:
        """Receives the error of a single job, for example a deleted one."""
        ...


@dataclass(slots=True)
class StatusFetcher:
    """One poll."""

    session: Session
    receiver: StateReceiver
    unlisted: set[str]
    """Jobs that the last walk didn't find, because they are deep in the list or not in it. The set is kept from poll to
    poll. These jobs are requested one by one until a page contains them again."""
    options: RequestOptions
    deadline: float | None
    """The time after which no request begins."""

    async def fetch_many(self, wanted: set[str]) -> None:
        """Fetches the states of up to thousands of jobs.

        Raises:
            MusicAiError: an error of the key or the client, or a transient error. Errors about a single job aren't
                raised.
        """
        if len(wanted & self.unlisted) > CONCURRENT_REQUESTS:
            self.unlisted -= wanted  # for so many jobs, a walk through the list is cheaper
        missed, failed = wanted - self.unlisted, set[str]()
        try:
            if missed:
                failed = await self._walk_pages(missed)
        except MusicAiError as error:
            if is_transient(error) or isinstance(error, _CLIENT_ERRORS):
                raise
            # An unreadable job or a refused list must not end the wait for the other jobs.
            logger.warning("a page of jobs can't be read, so they are requested one by one: %s", error)
        else:
            if self._overdue():
                missed = set[str]()
            self.unlisted |= missed
        if rest := missed | (wanted & self.unlisted) | failed:
            await self.fetch_each(sorted(rest), failed)

    async def _walk_pages(self, missing: set[str]) -> set[str]:
        """Walks through the list in the service's order, and removes the jobs it finds from `missing`.

        Stops when a page would cost more than single requests for the missing jobs.

        Returns:
            The wanted jobs that have failed according to the list. Only the job itself proves that: a list may be older,
            and the caller would pay for a failed job again.
        """
        slugs = {self.session.durations.workflow(job_id) for job_id in missing}
        known = sorted(slug for slug in slugs if slug is not None)
        narrowed = {"workflow": known} if len(known) == len(slugs) <= MOST_SLUGS else {}
        pages = JobPages(self.session, narrowed, PAGE_SIZE, self._options(), deadline=self.deadline)
        walked, wanted, failed = 0, frozenset(missing), set[str]()
        while (
            walked < len(missing) and not self._overdue() and (page := await anext(pages, None)) is not None
        ):
            walked += 1
            listed = {job.id: job for job in page}
            missing.difference_update(listed)
            self.unlisted.difference_update(listed)
            failed |= wanted & {job.id for job in page if job.failed}
            self.receiver.receive({job_id: job for job_id, job in listed.items() if not job.failed})
        return failed

    async def fetch_each(self, wanted: Sequence[str], ended: Collection[str] = ()) -> None:
        """Fetches each job's status, and after a final status the whole job. Raises as `fetch_many`.

        Jobs that seem to have ended are fetched at once.
        """
        transient_errors = list[MusicAiError]()

        async def fetch(job_id: str) -> None:
            try:
                await self._fetch(job_id, has_ended=job_id in ended)
            except MusicAiError as error:
                if isinstance(error, AuthenticationError | ConfigurationError):
                    raise
                if is_transient(error):
                    transient_errors.append(error)
                elif self._is_too_new(job_id, error):
                    logger.info("job %s isn't known everywhere yet: %s", job_id, error)
                else:
                    self.receiver.failed(job_id, error)

        tasks: list[Callable[[], Coroutine[Any, Any, None]]] = [partial(fetch, job_id) for job_id in wanted]
        await self.session.io.gather(tasks, CONCURRENT_REQUESTS)
        if transient_errors:
            raise transient_errors[0]

    def _is_too_new(self, job_id: str, error: MusicAiError) -> bool:
        """Whether the service may only seem not to have a job: a part of it may not know a new job yet."""
        now = self.session.io.now()
        return isinstance(error, NotFoundError) and self.session.durations.is_new(job_id, now)

    async def _fetch(self, job_id: str, *, has_ended: bool) -> None:
        if self._overdue():
            return
        if not has_ended:
            state = await self.session.call(
                GET_JOB_STATUS, job_id=job_id, options=self._options(), deadline=self.deadline
            )
            self.receiver.receive({job_id: state})
            if not state.done:
                return
        job = await self.session.call(GET_JOB, job_id=job_id, options=self._options(), deadline=self.deadline)
        self.receiver.receive({job_id: job})

    def _options(self) -> RequestOptions:
        return within(self.session, self.options, self.deadline)

    def _overdue(self) -> bool:
        """Whether the deadline passed more than a second ago. The tolerance permits the poll at the deadline."""
        return self.deadline is not None and self.session.io.now() > self.deadline + 1.0
