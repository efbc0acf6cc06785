"""What the server sends, as frozen pydantic models.

They are tolerant: unknown fields are kept (`model_extra`), only what the package needs is required, open sets of
values are open (`Unknown`), and the values of fields are checked for real. Fields have Python names
(`job.created_at`) and also answer to their wire names (`job["createdAt"]`).
"""

from __future__ import annotations

from musicai_sdk.models._open import JobStatus, Unknown
from musicai_sdk.models.account import Application, UploadUrls, WorkflowInfo, WorkflowList
from musicai_sdk.models.beats import Beat
from musicai_sdk.models.chords import Chord
from musicai_sdk.models.files import DownloadedFile, JobFiles, UploadedFile
from musicai_sdk.models.filters import Filters, FiltersDict
from musicai_sdk.models.job import Job, JobCreated, JobError, JobRef, JobState, WorkflowReference
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
