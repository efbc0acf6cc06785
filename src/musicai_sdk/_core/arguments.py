"""Types and defaults of public arguments. The modules that use them are loaded later, at first use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from typing_extensions import override

from musicai_sdk._core.options import RequestOptions
from musicai_sdk.models.files import RESULT_MANIFEST
from musicai_sdk.models.job import Job, JobState
from musicai_sdk.workflows.base import Workflow


class Readable(Protocol):
    """Any object with a `read` method that returns bytes."""

    def read(self, size: int, /) -> bytes | bytearray | memoryview | None:
        """Returns at most `size` bytes: `b""` at the end, None if no data is available yet."""
        ...


UploadSource: TypeAlias = (
    str | os.PathLike[str] | os.PathLike[bytes] | bytes | bytearray | memoryview | Readable
)
"""A local path, bytes, a file opened in binary mode (read from its position), or any object whose `read` takes a number
of bytes."""

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes transferred so far and the total (None if unknown). A new attempt starts at 0 again."""

ProgressOf: TypeAlias = Callable[[str], Progress | None]
"""The `Progress` of a file, by the name of an output or of an input's file."""


def no_progress(_name: str) -> None:
    """The `ProgressOf` of a call that nobody follows."""


OnUpdate: TypeAlias = Callable[[JobState], object]
"""Called with a job's first state, and with the new state whenever its status changes."""

DEFAULT_WAIT = 3600.0
"""The default timeout of `wait`, `wait_all` and `run`, in seconds. It allows for time in the queue."""

MANIFEST = RESULT_MANIFEST


class ResultStorage(Protocol):
    """The caller's storage for results, such as a `musicai_sdk.storage.Bucket`.

    Its methods block and may be called in any thread.
    """

    def upload_urls(self, workflow: Workflow[Any], token: str) -> Mapping[str, str]:
        """Signed PUT URLs by output for the job with this idempotency key. The same key always gets the same paths."""
        ...

    def download_urls(self, job: Job[Any]) -> Mapping[str, tuple[str, str]]:
        """Signed GET URLs of the job's `CUSTOM_STORAGE` outputs, each with a file extension."""
        ...


CopyResultsTo: TypeAlias = Mapping[str, str] | ResultStorage
"""The destination of results: upload URLs (PUT) by output, or a `musicai_sdk.storage.Bucket`."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """The arguments of `create`, without the workflow."""

    name: str | None
    metadata: Mapping[str, Any] | None
    copy_results_to: CopyResultsTo | None
    idempotency_key: str | None
    recover: bool = True
    """Whether to search for the key before the POST, if the caller chose the key, and after a lost answer."""
    settle: float | None = None
    """Seconds after the call until an unlisted key counts as absent; None for the default."""
    progress_of: ProgressOf = no_progress
    """What follows the upload of a local input."""


class _ClientTimeout(float):
    """A sentinel, recognised by its identity."""

    @override
    def __repr__(self) -> str:
        return "CLIENT_TIMEOUT"


CLIENT_TIMEOUT: Final[float] = _ClientTimeout("nan")
"""The default `timeout` of the 1.0 methods, which stands for the client's timeout. None already means no limit."""


class AddJobOptions(RequestOptions, total=False):
    """The options of the 1.0 method `add_job`."""

    metadata: Mapping[str, Any]
    """Short values to store with the job."""
    copy_results_to: CopyResultsTo
    """A `musicai_sdk.storage.Bucket`, or upload URLs (PUT) by output name, for outputs that go to your own storage."""
    idempotency_key: str
    """Your name for this paid request, for `client.jobs.find`."""
    settle: float | None
    """Seconds until an unlisted key counts as absent, as in `client.jobs.create`."""
