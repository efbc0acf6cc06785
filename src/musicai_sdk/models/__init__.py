"""The service's answers as frozen pydantic models.

The models are lenient. They keep unknown fields (`model_extra`). An optional field becomes None if its value doesn't
fit. Fields with an open set of values accept unknown ones (`Unknown`). Fields have Python names (`job.created_at`), and
wire names work as keys (`job["createdAt"]`).

This room imports only `errors`, `_text` and `_notebook`. All rooms above may import it; users import its names from here.

To add a job field, add it to `Job` in `job.py` with a docstring: as `Maybe[…]` or another lenient type, unless every
answer has it. A number is `Maybe[StrictInt | Annotated[Finite, Strict()]]`, because pydantic would change texts and
integers, also in `raw`. Its wire name is its name in camelCase. Add it to the other places that write a whole job, which
`tests/contract/test_job_fields.py` compares with the model:

- `schemas/openapi.yaml`, with examples. A description ends with its source, such as `[A: official reference]`.
- The sandbox: `sandbox/api/routes.py`. A value that must be stored also needs a column, see `sandbox.database`.
- `JobDict` in `compat/answers.py`: `NotRequired` if answers may lack it.
- The simulation: `tests/simulation/service.py`.

Run `scripts/generate`. Add a line to the package's `CHANGELOG.md`, and values that don't fit to `ODD` in
`tests/models/test_lenient.py`.

To add a kind of result, write the model of its content in a new file here, and list it in `_HOMES`, `__all__` and the
imports below. Name the content and its fields in `codegen/contents.py`, and describe it in `RESULTS` of
`codegen/exports.py`. Then files in `schemas/workflows` can declare such outputs. Run `scripts/generate`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk.models._open import JobStatus, Unknown
    from musicai_sdk.models.account import Application, UploadUrls, WorkflowInfo, WorkflowList
    from musicai_sdk.models.beats import Beat
    from musicai_sdk.models.chords import Chord
    from musicai_sdk.models.files import DownloadedFile, JobFiles, UploadedFile
    from musicai_sdk.models.filters import Filters, FiltersDict
    from musicai_sdk.models.job import Job, JobCreated, JobError, JobPage, JobRef, JobState, WorkflowReference
    from musicai_sdk.models.language import LanguageDetails
    from musicai_sdk.models.lyrics import LyricLine, Syllable, Word
    from musicai_sdk.models.outputs import (
        CUSTOM_STORAGE,
        CustomStorage,
        FileOutput,
        FileUrl,
        JsonFile,
        JsonOutput,
        OutputValue,
    )
    from musicai_sdk.models.result import RawResult, WorkflowResult, output
    from musicai_sdk.models.sections import Section
    from musicai_sdk.models.values import JsonText, Key, TimeSignature

__all__ = [
    "CUSTOM_STORAGE",
    "Application",
    "Beat",
    "Chord",
    "CustomStorage",
    "DownloadedFile",
    "FileOutput",
    "FileUrl",
    "Filters",
    "FiltersDict",
    "Job",
    "JobCreated",
    "JobError",
    "JobFiles",
    "JobPage",
    "JobRef",
    "JobState",
    "JobStatus",
    "JsonFile",
    "JsonOutput",
    "JsonText",
    "Key",
    "LanguageDetails",
    "LyricLine",
    "OutputValue",
    "RawResult",
    "Section",
    "Syllable",
    "TimeSignature",
    "Unknown",
    "UploadUrls",
    "UploadedFile",
    "Word",
    "WorkflowInfo",
    "WorkflowList",
    "WorkflowReference",
    "WorkflowResult",
    "output",
]

_HOMES = {
    "musicai_sdk.models._open": ("JobStatus", "Unknown"),
    "musicai_sdk.models.account": ("Application", "UploadUrls", "WorkflowInfo", "WorkflowList"),
    "musicai_sdk.models.beats": ("Beat",),
    "musicai_sdk.models.chords": ("Chord",),
    "musicai_sdk.models.files": ("DownloadedFile", "JobFiles", "UploadedFile"),
    "musicai_sdk.models.filters": ("Filters", "FiltersDict"),
    "musicai_sdk.models.job": (
        *("Job", "JobCreated", "JobError", "JobPage", "JobRef", "JobState", "WorkflowReference"),
    ),
    "musicai_sdk.models.language": ("LanguageDetails",),
    "musicai_sdk.models.lyrics": ("LyricLine", "Syllable", "Word"),
    "musicai_sdk.models.outputs": (
        "CUSTOM_STORAGE",
        "CustomStorage",
        "FileOutput",
        "FileUrl",
        "JsonFile",
        "JsonOutput",
        "OutputValue",
    ),
    "musicai_sdk.models.result": ("RawResult", "WorkflowResult", "output"),
    "musicai_sdk.models.sections": ("Section",),
    "musicai_sdk.models.values": ("JsonText", "Key", "TimeSignature"),
}
"""The module of each name. A program loads only the modules whose models it uses."""

if not TYPE_CHECKING:  # otherwise type checkers would accept every misspelt name

    def __getattr__(name: str) -> object:
        """Loads a model at first use."""
        home = next((module for module, names in _HOMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """The public names."""
        return sorted({*globals(), *__all__})
