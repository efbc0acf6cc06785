"""What a caller types: signatures and documentation, in both colours; the logic is in `musicai_sdk._core`."""

from __future__ import annotations

from musicai_sdk.resources.account import Applications, AsyncApplications, AsyncWorkflows, Workflows
from musicai_sdk.resources.files import AsyncFiles, Files
from musicai_sdk.resources.jobs import AsyncJobs, Jobs
from musicai_sdk.resources.lists import AsyncJobList, JobList
from musicai_sdk.resources.surface import AsyncSurface, Surface

__all__ = [
    "Applications",
    "AsyncApplications",
    "AsyncFiles",
    "AsyncJobList",
    "AsyncJobs",
    "AsyncSurface",
    "AsyncWorkflows",
    "Files",
    "JobList",
    "Jobs",
    "Surface",
    "Workflows",
]
