"""What the server sends, as frozen pydantic models.

They are tolerant: unknown fields are kept (`model_extra`), only what the package needs is required, open sets of
values are open (`Unknown`), and the values of fields are checked for real. Fields have Python names
(`job.created_at`) and also answer to their wire names (`job["createdAt"]`).
"""

from __future__ import annotations

from musicai_sdk.models._open import JobStatus, Unknown
from musicai_sdk.models.account import Application, UploadUrls, WorkflowInfo, WorkflowList
from musicai_sdk.models.chords import Beat, Chord
from musicai_sdk.models.files import DownloadedFile, JobFiles, UploadedFile
from musicai_sdk.models.filters import Filters, FiltersDict
from musicai_sdk.models.job import Job, JobCreated, JobError, JobRef, JobState, WorkflowReference
from musicai_sdk.models.outputs import (
    CUSTOM_STORAGE,
    CustomStorage,
    FileOutput,
    FileUrl,
    JsonFile,
    JsonOutput,
    OutputValue,
)
from musicai_sdk.models.result import R, R_co, RawResult, WorkflowResult, output

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
    "JobRef",
    "JobState",
    "JobStatus",
    "JsonFile",
    "JsonOutput",
    "OutputValue",
    "R",
    "R_co",
    "RawResult",
    "Unknown",
    "UploadUrls",
    "UploadedFile",
    "WorkflowInfo",
    "WorkflowList",
    "WorkflowReference",
    "WorkflowResult",
    "output",
]
