"""Fetching and deleting single jobs."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from musicai_sdk._core.operations import DELETE_JOB, GET_JOB
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retry import retrying
from musicai_sdk._core.session import Session, segment
from musicai_sdk._text import safe_repr
from musicai_sdk.errors import InputError, NotFoundError, ResponseError
from musicai_sdk.models.job import Job, JobRef, is_another
from musicai_sdk.models.result import RawResult, WorkflowResult
from musicai_sdk.workflows.base import Workflow


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


def check_created(job: str | JobRef[Any] | Job[Any], fetched: Job[Any]) -> None:
    """Checks that a job was created by the request whose reference is given, if the service shows the job's key.

    A server that answers a create with the id of an older job would otherwise pass that job's results off as this one's.

    Raises:
        ResponseError: the job has another key.
    """
    key = job.idempotency_key if isinstance(job, JobRef) else None
    if is_another(key, fetched):
        raise ResponseError(
            f"job {fetched.id} isn't the one that was created under the key {key!r}: the service answered the create with"
            f" another job's id. client.jobs.find({key!r}) searches for the right one",
            field="id",
        )


async def get(
    session: Session,
    job: str | JobRef[Any] | Job[Any],
    result_type: type[WorkflowResult] | None,
    options: RequestOptions,
) -> Job[Any]:
    """Fetches a job with the given result type, or else with the reference's result type."""
    fetched = await session.call(GET_JOB, job_id=job_id_of(job), options=options)
    check_created(job, fetched)
    return fetched.with_result_type(result_type or result_type_of(job))


async def delete(session: Session, job: str | JobRef[Any] | Job[Any], options: RequestOptions) -> None:
    """Deletes a job. A 404 on a retry means that an earlier attempt succeeded and its answer was lost."""
    path = DELETE_JOB.path.replace("{id}", segment(job_id_of(job)))

    async def attempt(number: int) -> None:
        try:
            await session.once(DELETE_JOB, path, options=options, attempt=number)
        except NotFoundError:
            if number == 1:
                raise

    await retrying(session.io, session.policy(options), f"DELETE {path}", attempt)
    session.durations.forget(job_id_of(job))
