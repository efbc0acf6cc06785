"""The methods of the clients: signatures and documentation. The logic is in `musicai_sdk._core`.

The asynchronous classes here are written by hand; `scripts/generate` writes their synchronous twins to `_sync`. To add a
method, add it here, put its logic into `_core`, and run `scripts/generate`. Only `client.py` imports this room.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk.resources._sync.account import Applications, Workflows
    from musicai_sdk.resources._sync.files import Files
    from musicai_sdk.resources._sync.jobs import Jobs
    from musicai_sdk.resources._sync.legacy import LegacyMethods
    from musicai_sdk.resources._sync.lists import JobList
    from musicai_sdk.resources.account import AsyncApplications, AsyncWorkflows
    from musicai_sdk.resources.files import AsyncFiles
    from musicai_sdk.resources.jobs import AsyncJobs
    from musicai_sdk.resources.legacy import AsyncLegacyMethods
    from musicai_sdk.resources.lists import AsyncJobList

__all__ = [
    "Applications",
    "AsyncApplications",
    "AsyncFiles",
    "AsyncJobList",
    "AsyncJobs",
    "AsyncLegacyMethods",
    "AsyncWorkflows",
    "Files",
    "JobList",
    "Jobs",
    "LegacyMethods",
    "Workflows",
]

_ROOMS = {
    "Applications": "account",
    "Workflows": "account",
    "Files": "files",
    "Jobs": "jobs",
    "LegacyMethods": "legacy",
    "JobList": "lists",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Loads a class at first use."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        room = _ROOMS[name.removeprefix("Async")]
        folder = "" if name.startswith("Async") else "_sync."
        return getattr(import_module(f"{__name__}.{folder}{room}"), name)
