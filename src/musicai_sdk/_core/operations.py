"""The operations of the service: method, path and what comes back. `schemas/openapi.yaml` describes the same eight.

To add an endpoint: an entry there, an operation here, and a method in each colour of its resource.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import TypeAdapter

from musicai_sdk.models._lenient import Page, Readable, readable
from musicai_sdk.models.account import Application, UploadUrls, WorkflowInfo
from musicai_sdk.models.job import Job, JobCreated, JobState

T = TypeVar("T")


@dataclass(frozen=True)
class Operation(Generic[T]):
    """One operation."""

    id: str
    """Its `operationId`."""
    method: str
    path: str
    """Below the base URL; `{id}` stands for one quoted segment."""
    answer: Any
    """The type that the body of the answer is read as."""
    unwrap: Callable[[Any], T]
    """From that type to what the caller gets."""
    repeatable: bool = True
    """Whether it can be sent again after a failure that the server may have acted on."""


def _same(value: Any) -> Any:
    return value


Jobs: TypeAlias = Annotated[list[Job[Any]], Readable(within="jobs")]
Workflows: TypeAlias = Annotated[list[WorkflowInfo], Readable(within="workflows")]
"""Pages, bare or wrapped: of jobs official clients and tests disagree. What can't be read is left out and counted."""


@cache
def adapter(answer: Any) -> TypeAdapter[Any]:
    """The validator of an answer; building one costs as much as a hundred uses."""
    return TypeAdapter(readable(answer))


GET_UPLOAD: Operation[UploadUrls] = Operation("getUpload", "GET", "/upload", UploadUrls, _same)
CREATE_JOB: Operation[JobCreated] = Operation(
    "createJob", "POST", "/job", JobCreated, _same, repeatable=False
)
LIST_JOBS: Operation[Page[Job[Any]]] = Operation("listJobs", "GET", "/job", Jobs, _same)
GET_JOB: Operation[Job[Any]] = Operation("getJob", "GET", "/job/{id}", Job, _same)
GET_JOB_STATUS: Operation[JobState] = Operation("getJobStatus", "GET", "/job/{id}/status", JobState, _same)
DELETE_JOB: Operation[Any] = Operation("deleteJob", "DELETE", "/job/{id}", Any, _same)
LIST_WORKFLOWS: Operation[Page[WorkflowInfo]] = Operation(
    "listWorkflows", "GET", "/workflow", Workflows, _same
)
GET_APPLICATION: Operation[Application] = Operation(
    "getApplication", "GET", "/application", Application, _same
)

OPERATIONS: tuple[Operation[Any], ...] = (
    GET_UPLOAD,
    CREATE_JOB,
    LIST_JOBS,
    GET_JOB,
    GET_JOB_STATUS,
    DELETE_JOB,
    LIST_WORKFLOWS,
    GET_APPLICATION,
)
"""All of them, for the test that holds them against `schemas/openapi.yaml`."""
