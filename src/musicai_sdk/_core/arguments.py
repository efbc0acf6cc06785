"""Types and defaults of public arguments, apart from the modules that use them: those are loaded when they are used."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol, TypeAlias

from typing_extensions import override

from musicai_sdk._core.options import RequestOptions
from musicai_sdk.models.job import Job, JobState
from musicai_sdk.workflows.base import Workflow

UploadSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""A local path, the bytes themselves, or a file opened in binary mode (read from where it stands)."""

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes moved so far and the bytes in all (None when unknown). It starts again with a new attempt."""

OnUpdate: TypeAlias = Callable[[JobState], object]
"""Called with the new state whenever a job's status changed, the first one included."""

DEFAULT_WAIT = 3600.0
"""For how many seconds `wait`, `wait_all` and `run` wait: an hour covers a queue, and isn't for ever."""

MANIFEST = "workflow.results.json"
"""The file with a job's whole result. The 1.0 package wrote `workflow.result.json`."""


class ResultStorage(Protocol):
    """Storage of the caller's that results are copied to and fetched from: a `musicai_sdk.storage.Bucket`.

    Its methods block and may be called in any thread.
    """

    def upload_urls(self, workflow: Workflow[Any], token: str) -> Mapping[str, str]:
        """Signed URLs (PUT) by output for a job that is created under this token; the same paths every time."""
        ...

    def download_urls(self, job: Job[Any]) -> Mapping[str, tuple[str, str]]:
        """Signed URLs (GET) of the job's outputs that are `CUSTOM_STORAGE`, each with the extension of a copy."""
        ...


CopyResultsTo: TypeAlias = Mapping[str, str] | ResultStorage
"""Where results go: upload URLs (PUT) by output, or a `musicai_sdk.storage.Bucket`."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is asked for, apart from the workflow."""

    name: str | None
    metadata: Mapping[str, Any] | None
    copy_results_to: CopyResultsTo | None
    idempotency_key: str | None
    recover: bool = True
    """Whether the job is looked for by its key: before the POST with a key of the caller's, and after an answer that
    was lost."""
    settle: float | None = None
    """Seconds after the call from which on a key that isn't listed counts as absent; None for the default."""


class _ClientTimeout(float):
    """Not a number of seconds, and told by its identity."""

    @override
    def __repr__(self) -> str:
        return "CLIENT_TIMEOUT"


CLIENT_TIMEOUT: Final[float] = _ClientTimeout("nan")
"""Where the 1.0 surface takes a `timeout` and none is given: the client's own. None is taken already: no limit."""


class AddJobOptions(RequestOptions, total=False):
    """What `add_job` of the 1.0 surface takes besides its three arguments."""

    metadata: Mapping[str, Any]
    """Short values to find on the job again."""
    copy_results_to: CopyResultsTo
    """A `musicai_sdk.storage.Bucket`, or upload URLs (PUT) by output name, for outputs that go to your own storage."""
    idempotency_key: str
    """A token of your own for `client.jobs.find`."""
