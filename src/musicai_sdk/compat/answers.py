"""Answers of the service as plain dictionaries, and the types of what is given and returned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypeAlias, TypedDict, cast

from musicai_sdk.models import Job, JobStatus

Timeout: TypeAlias = float | tuple[float | None, float | None] | None
"""Seconds after which an exchange is given up, also as `(connect, read)`, of which `read` counts: connecting never takes
longer than 10 seconds. None waits without end."""


class JobFilters(TypedDict, total=False):
    """Which jobs to list."""

    status: JobStatus | list[JobStatus] | None
    """Only jobs with this status, or with one of these."""
    workflow: str | list[str] | None
    """Only jobs of this workflow, by slug, or of one of these."""
    batchName: str | None
    """Only jobs of this batch."""
    page: int
    """Which page, from 0."""
    size: int
    """How many jobs a page has; 100 when left out."""


class JobOptions(TypedDict, total=False):
    """What `add_job` takes besides its arguments."""

    metadata: Mapping[str, Any]
    """Short values to find on the job again."""
    copy_results_to: Mapping[str, str]
    """Upload URLs (PUT) by output name, for outputs that go to your own storage."""
    idempotency_key: str
    """A name of your own for this one paid request: a second call with it returns the same job. Not in 1.0."""


class JobDict(TypedDict):
    """A job as the service sends it (source: the published package's README).

    The methods return `dict[str, Any]`, as which 1.0 programs annotate jobs. For checked keys:
    `job = cast("JobDict", client.get_job(job_id))`.
    """

    id: str
    """The job's id, a UUID."""
    app: str
    """The name of the application whose key created the job."""
    name: str
    """As it was sent."""
    batchName: str | None
    """The batch that the job is part of."""
    metadata: dict[str, Any] | None
    """As it was sent."""
    workflow: str
    """The workflow's slug."""
    workflowParams: dict[str, Any]
    """The parameters as they were sent."""
    status: str
    """QUEUED, STARTED, SUCCEEDED or FAILED."""
    result: dict[str, Any] | None
    """The outputs by name; None until the job has succeeded."""
    error: NotRequired[dict[str, Any] | None]
    """Code, title and message of a failure; older answers have none."""
    createdAt: str
    """When it was created, in ISO 8601."""
    startedAt: str | None
    """When its processing began."""
    completedAt: str | None
    """When it ended."""


def job_dict(job: Job[Any]) -> dict[str, Any]:
    """A job as it came, without the metadata that this package adds, in the order of the service's documentation."""
    raw = job.raw
    metadata = raw.get("metadata")
    if job.idempotency_key is not None:
        raw["metadata"] = json.dumps(job.metadata) if isinstance(metadata, str) else job.metadata
    ordered = {name: raw[name] for name in JobDict.__annotations__ if name in raw}
    return cast("dict[str, Any]", plain({**ordered, **raw}))


def plain(value: Any) -> Any:
    """JSON as `json.loads` gives it: a copy of dictionaries, lists and texts without types of their own."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return {str(name): plain(each) for name, each in entries.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast("list[Any]", value)]
    return str(value) if isinstance(value, str) else value
