"""What belongs to a key: its application, its workflows, and room for an upload."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import override

from musicai_sdk._text import without_query
from musicai_sdk.models._lenient import Identifier, Maybe, Readable, Time, as_it_came
from musicai_sdk.models._wire import WireModel


class Application(WireModel, frozen=True):
    """The application that a key belongs to (source: the official integration tests)."""

    id: Annotated[str, Identifier()]
    """The application's UUID."""
    name: Maybe[str] = None
    """Its name, which jobs carry as `app`."""


class WorkflowInfo(WireModel, frozen=True):
    """One workflow of the account. The service doesn't tell its inputs and outputs."""

    id: Maybe[str] = None
    """The workflow's UUID; jobs are created by `slug`."""
    name: Maybe[str] = None
    """Its display name."""
    slug: Annotated[str, Field(min_length=1)]
    """What `client.jobs.create` takes."""
    description: Maybe[str] = None
    """Free text; may be empty."""
    created_at: Time = None
    """When it was made."""
    updated_at: Time = None
    """When it was last changed."""
    raw_created_at: Any = as_it_came("createdAt")
    """`created_at` as it came."""
    raw_updated_at: Any = as_it_came("updatedAt")
    """`updated_at` as it came."""


class WorkflowList(WireModel, frozen=True):
    """One page of the account's workflows (source: the official integration tests)."""

    workflows: Annotated[list[WorkflowInfo], Readable()]
    """The workflows of this page."""


class UploadUrls(WireModel, frozen=True):
    """Two signed URLs of one new object; both expire (source: the official reference)."""

    upload_url: Annotated[str, Field(pattern=r"^https?://")]
    """Where to PUT the bytes, without the API key."""
    download_url: Annotated[str, Field(pattern=r"^https?://")]
    """What to give a job as its input."""

    @override
    def __repr__(self) -> str:
        return f"UploadUrls({without_query(self.upload_url)!r})"
