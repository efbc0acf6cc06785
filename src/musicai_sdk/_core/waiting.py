"""Waiting for jobs: polls that start quickly and slow down, and never outlast their deadline."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from musicai_sdk._core.arguments import OnUpdate
from musicai_sdk._core.fetching import get, job_id_of, result_type_of
from musicai_sdk._core.listing import JobPages
from musicai_sdk._core.operations import GET_JOB_STATUS
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retrying import is_transient
from musicai_sdk._core.session import Session
from musicai_sdk._io.record import logger
from musicai_sdk.errors import InputError, MusicAiError, WaitTimeoutError
from musicai_sdk.models.job import Job, JobRef, JobState

FIRST_PAUSE = 0.5
GROWTH = 1.6


class Pauses:
    """The pauses between polls: ×1.6 up to a cap, ±20 % so that many clients don't poll in step."""

    def __init__(self, session: Session, timeout: float | None) -> None:
        if timeout is not None and timeout < 0:
            raise InputError(
                f"timeout must be 0 or more seconds, or None to wait without end, not {timeout!r}"
            )
        self._session = session
        self._io = session.io
        self._cap = session.settings.poll_interval
        self._pause = min(FIRST_PAUSE, self._cap)
        self.timeout = timeout
        self.deadline = None if timeout is None else session.io.now() + timeout

    async def pause(self) -> bool:
        """Sleeps until the next poll; False when the deadline has passed."""
        pause = self._pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        self._pause = min(self._cap, self._pause * GROWTH)
        if self.deadline is not None:
            left = self.deadline - self._io.now()
            if left <= 0:
                return False
            pause = min(pause, left)
        await self._io.sleep(pause)
        return True

    def options(self, options: RequestOptions) -> RequestOptions:
        """The options of the next poll: no exchange may outlast the deadline by more than a second."""
        if self.deadline is None:
            return options
        allowed = options.get("request_timeout", self._session.settings.timeout)
        left = max(1.0, self.deadline - self._io.now())
        return {**options, "request_timeout": left if allowed is None else min(allowed, left)}


async def wait(
    session: Session,
    job: str | JobRef[Any] | Job[Any],
    timeout: float | None,
    on_update: OnUpdate | None,
    options: RequestOptions,
) -> Job[Any]:
    """Polls the short status until it is final, then fetches the job."""
    job_id = job_id_of(job)
    pauses = Pauses(session, timeout)
    status: str | None = None
    while True:
        try:
            state = await session.call(
                GET_JOB_STATUS, job_id=job_id, options=pauses.options(options), deadline=pauses.deadline
            )
            if state.status != status:
                status = state.status
                if on_update is not None:
                    on_update(state)
            if state.done:
                return await get(session, job_id, result_type_of(job), options)
        except MusicAiError as error:
            if not is_transient(error):
                raise
            logger.warning("waiting for job %s: a poll failed (%s); the wait goes on", job_id, error)
        if not await pauses.pause():
            raise timed_out(job_id, status, pauses.timeout)


def timed_out(job_id: str, status: str | None, timeout: float | None) -> WaitTimeoutError:
    """The error at the deadline: nothing is lost."""
    return WaitTimeoutError(
        f"job {job_id} is {status or 'in an unknown state'} after {timeout or 0:g} s. It goes on and will be charged:"
        f" client.jobs.wait({job_id!r}) waits on, client.jobs.delete({job_id!r}) gives it up",
        job_id=job_id,
        status=status,
    )


async def wait_all(
    session: Session,
    jobs: Sequence[str | JobRef[Any] | Job[Any]],
    timeout: float | None,
    on_update: OnUpdate | None,
    options: RequestOptions,
) -> list[Job[Any]]:
    """Polls with list pages, so that the requests grow with the pages and not with the jobs."""
    types = {job_id_of(job): result_type_of(job) for job in jobs}
    finished = dict[str, Job[Any]]()
    statuses = dict[str, str]()
    pauses = Pauses(session, timeout)
    while True:
        try:
            await _poll(session, types, finished, statuses, on_update, pauses.options(options))
        except MusicAiError as error:
            if not is_transient(error):
                raise
            logger.warning("waiting for %d jobs: a poll failed (%s); the wait goes on", len(types), error)
        waiting = [job_id for job_id in types if job_id not in finished]
        if not waiting:
            return [finished[job_id_of(job)] for job in jobs]
        if not await pauses.pause():
            late = timed_out(waiting[0], statuses.get(waiting[0]), pauses.timeout)
            late.add_note(f"{len(waiting)} of {len(types)} jobs are unfinished: {', '.join(waiting[:20])}")
            raise late


async def _poll(
    session: Session,
    types: dict[str, Any],
    finished: dict[str, Job[Any]],
    statuses: dict[str, str],
    on_update: OnUpdate | None,
    options: RequestOptions,
) -> None:
    """One look at every unfinished job: a page holds a hundred, single jobs are asked for one by one."""
    waiting = {job_id for job_id in types if job_id not in finished}

    def saw(job: Job[Any]) -> None:
        waiting.discard(job.id)
        if statuses.get(job.id) != job.status:
            statuses[job.id] = job.status
            if on_update is not None:
                on_update(JobState(id=job.id, status=job.status))
        if job.done:
            finished[job.id] = job.with_result_type(types[job.id])

    if len(waiting) > 1:
        pages = JobPages(session, {}, 100, options)
        while waiting and (page := await pages.next()) is not None:
            for job in page:
                if job.id in waiting:
                    saw(job)
    # A job that isn't listed: deleted meanwhile (404), or of another application's key (404 too).
    for job_id in sorted(waiting):
        saw(await get(session, job_id, types[job_id], options))
