"""What belongs to a key: its application, its workflows, and room for an upload."""

from __future__ import annotations

from typing_extensions import override

from musicai_sdk._text import without_query
from musicai_sdk.models._wire import WireModel
from musicai_sdk.models.job import Timestamp


class Application(WireModel, frozen=True):
    """The application that a key belongs to (source: the official integration tests)."""

    id: str
    """The application's UUID."""
    name: str | None = None
    """Its name, which jobs carry as `app`."""


class WorkflowInfo(WireModel, frozen=True):
    """One workflow of the account. The service doesn't tell its inputs and outputs."""

    id: str | None = None
    """The workflow's UUID; jobs are created by `slug`."""
    name: str | None = None
    """Its display name."""
    slug: str
    """What `client.jobs.create` takes."""
    description: str | None = None
    """Free text; may be empty."""
    created_at: Timestamp | None = None
    """When it was made."""
    updated_at: Timestamp | None = None
    """When it was last changed."""


class WorkflowList(WireModel, frozen=True):
    """One page of the account's workflows (source: the official integration tests)."""

    workflows: list[WorkflowInfo]
    """The workflows of this page."""


class UploadUrls(WireModel, frozen=True):
    """Two signed URLs of one new object; both expire (source: the official reference)."""

    upload_url: str
    """Where to PUT the bytes, without the API key."""
    download_url: str
    """What to give a job as its input."""

    @override
    def __repr__(self) -> str:
        return f"UploadUrls({without_query(self.upload_url)!r})"
