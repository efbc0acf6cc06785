"""The operations of the service: method, path and type of the answer. `schemas/openapi.yaml` describes the same eight.

To add an endpoint, describe it there, add an operation here, and a method to its class in `resources`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import TypeAdapter

from musicai_sdk.models._lenient import Page, Readable, readable
from musicai_sdk.models.account import Application, UploadUrls, WorkflowInfo
from musicai_sdk.models.job import Job, JobCreated, JobState

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Operation(Generic[T_co]):
    """One operation."""

    id: str
    """Its `operationId`."""
    method: str
    path: str
    """The path below the base URL; `{id}` is a quoted segment."""
    answer: Any
    """The type of the answer: `T_co`, with leniency for unreadable elements; None to ignore the body."""
    repeatable: bool = True
    """Whether to retry the request even if the server may have acted on it."""


Jobs: TypeAlias = Annotated[list[Job[Any]], Readable(within="jobs")]
Workflows: TypeAlias = Annotated[list[WorkflowInfo], Readable(within="workflows")]
"""A page as a bare list or inside an object, because official clients and tests disagree. Unreadable elements are left
out and counted."""


@cache
def adapter(answer: Any) -> TypeAdapter[Any]:
    """The validator of an answer. Cached: building it costs as much as using it a hundred times."""
    return TypeAdapter(readable(answer))


GET_UPLOAD: Operation[UploadUrls] = Operation("getUpload", "GET", "/upload", UploadUrls)
CREATE_JOB: Operation[JobCreated] = Operation("createJob", "POST", "/job", JobCreated, repeatable=False)
LIST_JOBS: Operation[Page[Job[Any]]] = Operation("listJobs", "GET", "/job", Jobs)
GET_JOB: Operation[Job[Any]] = Operation("getJob", "GET", "/job/{id}", Job)
GET_JOB_STATUS: Operation[JobState] = Operation("getJobStatus", "GET", "/job/{id}/status", JobState)
DELETE_JOB: Operation[Any] = Operation("deleteJob", "DELETE", "/job/{id}", None)
LIST_WORKFLOWS: Operation[Page[WorkflowInfo]] = Operation("listWorkflows", "GET", "/workflow", Workflows)
GET_APPLICATION: Operation[Application] = Operation("getApplication", "GET", "/application", Application)
