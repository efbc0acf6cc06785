"""Waiting for jobs, with shared polls at growing intervals, up to a deadline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from musicai_sdk._core.arguments import OnUpdate
from musicai_sdk._core.deadline import deadline_of, within
from musicai_sdk._core.interruption import job_note, note_interruption
from musicai_sdk._core.jobs import check_created, get, job_id_of, result_type_of
from musicai_sdk._core.options import RequestOptions, is_number
from musicai_sdk._core.poller import (
    CONFIDENCE,
    FIRST_PAUSE,
    LONGEST_SLEEP,
    SHORTEST_FIRST_PAUSE,
    Pollers,
    Waiter,
    Watched,
)
from musicai_sdk._core.session import Session, segment
from musicai_sdk.errors import InputError, WaitTimeoutError
from musicai_sdk.models.job import Job, JobRef
from musicai_sdk.models.result import WorkflowResult, output_names

MOST_NOTES = 20
"""The most jobs that the notes of an interrupted wait name."""


async def wait(
    session: Session,
    job: str | JobRef[Any] | Job[Any],
    timeout: float | None,
    on_update: OnUpdate | None,
    options: RequestOptions,
    *,
    since: float | None = None,
    poll_interval: float | None = None,
) -> Job[Any]:
    """Waits for one job."""
    [found] = await wait_all(
        session, [job], timeout, on_update, options, since=since, poll_interval=poll_interval
    )
    return found


async def wait_all(
    session: Session,
    jobs: Iterable[str | JobRef[Any] | Job[Any]],
    timeout: float | None,
    on_update: OnUpdate | None,
    options: RequestOptions,
    *,
    since: float | None = None,
    poll_interval: float | None = None,
) -> list[Job[Any]]:
    """Waits for many jobs. The timeout starts at `since`, a time of `io.now()`, or when `jobs` has been consumed."""
    jobs = _listed(jobs)
    waiter = Waiter(session.io.signal(), deadline_of(session, timeout, since), on_update)
    for job in jobs:
        job_id = job_id_of(job)
        waiter.jobs[job_id] = _watched(session, job_id, waiter, poll_interval)
    count = len(waiter.jobs)
    waited = list(waiter.jobs)
    with (
        note_interruption(*map(job_note, waited[:MOST_NOTES]), jobs=waited),
        session.shared(Pollers).joined(session, waiter, options) as poller,
    ):
        await poller.watch(waiter)
    if waiter.jobs:
        late = list(waiter.jobs)
        error = timed_out(late[0], waiter.jobs[late[0]].status, timeout)
        if count > 1:
            error.add_note(f"{len(late)} of {count} jobs are unfinished: {', '.join(late[:20])}")
        raise error
    for job in jobs:
        check_created(session, job, waiter.ended[job_id_of(job)])
    ended = [(waiter.ended[job_id_of(job)], result_type_of(job)) for job in jobs]
    return [await _whole(session, job, result_type, options, waiter.deadline) for job, result_type in ended]


async def _whole(
    session: Session,
    job: Job[Any],
    result_type: type[WorkflowResult],
    options: RequestOptions,
    deadline: float | None,
) -> Job[Any]:
    """The job with its result type. Fetches a job from a list again if a required output is missing there."""
    required = (name for name, field in result_type.model_fields.items() if field.is_required())
    names = output_names(result_type)
    held = job.raw_result or {}
    if job.succeeded and (
        not held or any(held.get(names[name]) is None for name in required if name in names)
    ):
        return await get(session, job.id, result_type, within(session, options, deadline), deadline)
    return job.with_result_type(result_type)


def _listed(jobs: Iterable[str | JobRef[Any] | Job[Any]]) -> list[str | JobRef[Any] | Job[Any]]:
    """A list of the jobs, from any iterable; a generator may create them."""
    # A string and a job are iterables of strings too. Each string would be requested as a job.
    given: object = cast("object", jobs)
    if isinstance(given, str | Job) or not isinstance(given, Iterable):
        raise InputError(
            f"wait_all takes several jobs, not one {type(jobs).__name__}: pass a list of jobs, or use"
            f" client.jobs.wait(job) for one"
        )
    return list(jobs)


def timed_out(job_id: str, status: str | None, timeout: float | None) -> WaitTimeoutError:
    """The error at the deadline."""
    return WaitTimeoutError(
        f"job {job_id} is {status or 'in an unknown state'} after {timeout or 0:g} s. It continues and will be charged:"
        f" client.jobs.wait({job_id!r}) waits longer, client.jobs.delete({job_id!r}) deletes it",
        job_id=job_id,
        status=status,
    )


def _watched(session: Session, job_id: str, waiter: Waiter, poll_interval: float | None) -> Watched:
    """The schedule of a job's polls. The first poll is at once, or after most of the expected duration."""
    segment(job_id)  # reports an invalid id before the first request
    longest = session.settings.poll_interval if poll_interval is None else poll_interval
    if not is_number(longest) or longest <= 0:
        raise InputError(f"poll_interval must be more than 0 seconds, not {longest!r}")
    first = min(FIRST_PAUSE, longest)
    due = now = session.io.now()
    if (expected := session.durations.expected(job_id)) is not None:
        created, usual = expected
        first = min(first, max(SHORTEST_FIRST_PAUSE, (1 - CONFIDENCE) * usual))
        if waiter.on_update is None:  # otherwise the caller wants every status, not only the last
            due = max(now, created + min(LONGEST_SLEEP, CONFIDENCE * usual))
    return Watched(due=due, since=due, first=first, longest=longest)
