"""The caller's storage for results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from musicai_sdk._core.arguments import CopyResultsTo, ResultStorage
from musicai_sdk._core.session import Session
from musicai_sdk.errors import InputError
from musicai_sdk.models.job import Job
from musicai_sdk.workflows.base import Workflow


async def upload_urls(
    session: Session, to: CopyResultsTo | None, workflow: Workflow[Any], token: str
) -> Mapping[str, str]:
    """Upload URLs by output: the caller's, or those that the caller's storage signs for this idempotency key."""
    if to is None or isinstance(to, Mapping):
        return to or {}
    if not callable(getattr(to, "upload_urls", None)):
        raise InputError(
            f"copy_results_to must be a musicai_sdk.storage.Bucket, or a mapping from outputs to upload URLs, not a"
            f" {type(to).__name__}"
        )
    return await session.blocking(lambda: to.upload_urls(workflow, token))


async def download_urls(
    session: Session, storage: ResultStorage | None, job: Job[Any]
) -> Mapping[str, tuple[str, str]]:
    """A signed URL and a file extension for each output in the caller's storage."""
    return {} if storage is None else await session.blocking(lambda: storage.download_urls(job))
