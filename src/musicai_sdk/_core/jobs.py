"""Fetching and deleting single jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from musicai_sdk._core.operations import DELETE_JOB, GET_JOB
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retry import retrying
from musicai_sdk._core.session import Session, segment
from musicai_sdk._text import safe_repr
from musicai_sdk.errors import InputError, NotFoundError, ResponseError
from musicai_sdk.models.job import Job, JobRef
from musicai_sdk.models.result import RawResult, WorkflowResult
from musicai_sdk.workflows.base import Workflow

if TYPE_CHECKING:
    from musicai_sdk._job_search import Wanted


def job_id_of(job: str | JobRef[Any] | Job[Any]) -> str:
    """The id of a job, given as an id, a reference or a `Job`."""
    if isinstance(job, Job | JobRef):
        return job.id
    return str(job) if isinstance(cast("object", job), UUID) else job


def result_type_of(job: str | JobRef[Any] | Job[Any]) -> type[WorkflowResult]:
    """The result type of a job reference or a job."""
    return job.result_type if isinstance(job, Job | JobRef) else RawResult


def result_type_from(workflow_type: object) -> type[WorkflowResult] | None:
    """The result type of a workflow class, or of a workflow; None for None."""
    if workflow_type is None:
        return None
    kind = workflow_type if isinstance(workflow_type, type) else workflow_type.__class__
    if not issubclass(kind, Workflow):
        raise InputError(
            f"workflow_type must be a workflow class, not {safe_repr(workflow_type)}: client.jobs.get(job, GenerateChords)"
        )
    return kind.result_type


MOST_CREATED = 10_000
"""The most created jobs that a client remembers. Beyond this number, the oldest are forgotten."""


def note_created(session: Session, job_id: str, wanted: Wanted) -> None:
    """Notes that a POST was answered with this id.

    Raises:
        ResponseError: it is the id of another request's job.
    """
    if _is_request_of(session.created.setdefault(job_id, wanted), wanted.key):
        if len(session.created) > MOST_CREATED:
            session.created.popitem(last=False)
        return
    raise ResponseError(
        f"POST /job was answered with the id of job {job_id}, which another request has created", field="id"
    )


def check_created(session: Session, job: str | JobRef[Any] | Job[Any], fetched: Job[Any]) -> None:
    """Checks that a job was created by the request whose reference is given, as far as the job shows it.

    A server that answers a create with the id of another job would otherwise pass that job's results off as this one's.

    Raises:
        ResponseError: the job has another key, or is another request's in spite of having no key.
    """
    if not isinstance(job, JobRef) or (key := job.idempotency_key) in (None, fetched.idempotency_key):
        return
    from musicai_sdk._job_search import Wanted  # here: most services show a key as it is

    _check_reference(session, job)
    if not (session.created.get(job.id) or Wanted(key)).could_be(fetched):
        if job.id in session.created:
            session.created[job.id] = None
        raise _others_job(job)


def _check_reference(session: Session, job: JobRef[Any]) -> None:
    """Raises `ResponseError` if a reference is already known to be to another request's job."""
    if job.id in session.created and not _is_request_of(session.created[job.id], job.idempotency_key):
        raise _others_job(job)


def _is_request_of(wanted: Wanted | None, key: str | None) -> bool:
    return wanted is not None and (key is None or wanted.key == key)


def _others_job(job: JobRef[Any]) -> ResponseError:
    key = job.idempotency_key
    return ResponseError(
        f"job {job.id} isn't the one that was created under the key {key!r}: the service answered the create with"
        f" another job's id. client.jobs.find({key!r}) searches for the right one",
        field="id",
    )


async def get(
    session: Session,
    job: str | JobRef[Any] | Job[Any],
    result_type: type[WorkflowResult] | None,
    options: RequestOptions,
    deadline: float | None = None,
) -> Job[Any]:
    """Fetches a job with the given result type, or else with the reference's result type."""
    fetched = await session.call(GET_JOB, job_id=job_id_of(job), options=options, deadline=deadline)
    check_created(session, job, fetched)
    return fetched.with_result_type(result_type or result_type_of(job))


async def delete(session: Session, job: str | JobRef[Any] | Job[Any], options: RequestOptions) -> None:
    """Deletes a job. A 404 on a retry means that an earlier attempt succeeded and its answer was lost.

    Raises:
        ResponseError: the reference is known to be to another request's job.
    """
    if isinstance(job, JobRef):
        _check_reference(session, job)
    path = DELETE_JOB.path.replace("{id}", segment(job_id_of(job)))

    async def attempt(number: int) -> None:
        try:
            await session.once(DELETE_JOB, path, options=options, attempt=number)
        except NotFoundError:
            if number == 1:
                raise

    await retrying(session.io, session.policy(options), f"DELETE {path}", attempt)
    session.durations.forget(job_id_of(job))
