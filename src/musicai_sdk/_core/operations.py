"""The operations of the service: method, path and what comes back. `schemas/openapi.yaml` describes the same eight.

To add an endpoint: an entry there, an operation here, and a method in each colour of its resource.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field, TypeAdapter

from musicai_sdk.models._wire import WireModel
from musicai_sdk.models.account import Application, UploadUrls, WorkflowInfo, WorkflowList
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


class _JobPage(WireModel, frozen=True):
    """A list of jobs that comes wrapped (sources: official clients and tests disagree)."""

    jobs: list[Job[Any]]


@cache
def adapter(answer: Any) -> TypeAdapter[Any]:
    """The validator of an answer; building one costs as much as a hundred uses."""
    return TypeAdapter(answer)


GET_UPLOAD: Operation[UploadUrls] = Operation("getUpload", "GET", "/upload", UploadUrls, _same)
CREATE_JOB: Operation[JobCreated] = Operation(
    "createJob", "POST", "/job", JobCreated, _same, repeatable=False
)
LIST_JOBS: Operation[list[Job[Any]]] = Operation(
    "listJobs",
    "GET",
    "/job",
    Annotated[list[Job[Any]] | _JobPage, Field(union_mode="left_to_right")],
    lambda page: page.jobs if isinstance(page, _JobPage) else page,
)
GET_JOB: Operation[Job[Any]] = Operation("getJob", "GET", "/job/{id}", Job, _same)
GET_JOB_STATUS: Operation[JobState] = Operation("getJobStatus", "GET", "/job/{id}/status", JobState, _same)
DELETE_JOB: Operation[Any] = Operation("deleteJob", "DELETE", "/job/{id}", Any, _same)
LIST_WORKFLOWS: Operation[list[WorkflowInfo]] = Operation(
    "listWorkflows",
    "GET",
    "/workflow",
    WorkflowList | list[WorkflowInfo],
    lambda page: page.workflows if isinstance(page, WorkflowList) else page,
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
