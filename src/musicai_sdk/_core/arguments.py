"""Types and defaults of public arguments, apart from the modules that use them: those are loaded when they are used."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

from musicai_sdk.models.job import JobState

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


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is asked for, apart from the workflow."""

    name: str | None
    metadata: Mapping[str, Any] | None
    copy_results_to: Mapping[str, str] | None
    idempotency_key: str | None
    find_first: bool = True
    """Whether a job that the token stands for already is looked for; needless for a token that is certainly new."""
