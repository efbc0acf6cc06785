"""Answers of the service as plain dictionaries, and the types of arguments and results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypeAlias, TypedDict, cast

from musicai_sdk.models import Job, JobStatus

Timeout: TypeAlias = float | tuple[float | None, float | None] | None
"""The limit for one exchange in seconds, or `(connect, read)`: the limits for connecting and for the answer. None is no
limit, but connecting takes at most 10 seconds unless `connect` is given."""


class JobFilters(TypedDict, total=False):
    """Which jobs to list."""

    status: JobStatus | list[JobStatus] | None
    """Only jobs with this status, or with one of these."""
    workflow: str | list[str] | None
    """Only jobs of this workflow, by slug, or of one of these."""
    batchName: str | None
    """Only jobs of this batch."""
    page: int
    """The page to fetch, from 0."""
    size: int
    """The number of jobs per page; the default is 100."""


class JobOptions(TypedDict, total=False):
    """The options of `add_job`."""

    metadata: Mapping[str, Any]
    """Short values to store with the job."""
    copy_results_to: Mapping[str, str]
    """Upload URLs (PUT) by output name, for outputs that go to your own storage."""
    idempotency_key: str
    """Your own name for this paid request: a second call with it returns the same job. Not in 1.0."""


class JobDict(TypedDict):
    """A job as the service sends it (source: the published package's README).

    The methods return `dict[str, Any]`, the annotation that 1.0 programs use. For checked keys:
    `job: JobDict = cast("Any", client.get_job(job_id))`.
    """

    id: str
    """The job's id, a UUID."""
    app: str
    """The name of the application whose key created the job."""
    name: str
    """The name given to `add_job`."""
    batchName: str | None
    """The batch that the job belongs to."""
    metadata: dict[str, Any] | None
    """The metadata given to `add_job`."""
    workflow: str
    """The workflow's slug."""
    workflowParams: dict[str, Any]
    """The parameters given to `add_job`."""
    status: str
    """QUEUED, STARTED, SUCCEEDED or FAILED."""
    result: dict[str, Any] | None
    """The outputs by name; None until the job has succeeded."""
    error: NotRequired[dict[str, Any] | None]
    """Code, title and message of a failure; missing in older answers."""
    createdAt: str
    """The time of creation, in ISO 8601."""
    startedAt: str | None
    """The time at which processing started."""
    completedAt: str | None
    """The time at which the job ended."""


def job_dict(job: Job[Any]) -> dict[str, Any]:
    """The JSON of a job without the metadata that this package adds, in the order of the service's documentation."""
    raw = job.raw
    metadata = raw.get("metadata")
    if job.idempotency_key is not None:
        raw["metadata"] = json.dumps(job.metadata) if isinstance(metadata, str) else job.metadata
    ordered = {name: raw[name] for name in JobDict.__annotations__ if name in raw}
    return cast("dict[str, Any]", plain({**ordered, **raw}))


def plain(value: Any) -> Any:
    """A copy of JSON data with the types that `json.loads` returns: no subclasses of `dict`, `list` or `str`."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return {str(name): plain(each) for name, each in entries.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast("list[Any]", value)]
    return str(value) if isinstance(value, str) else value
