"""The account behind a key: its application, its workflows, and upload URLs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from musicai_sdk.models._lenient import Id, Maybe, Readable, Time, as_it_came
from musicai_sdk.models._wire import WireModel


class Application(WireModel, frozen=True):
    """The application that a key belongs to (source: the official integration tests)."""

    id: Id
    """The application's UUID."""
    name: Maybe[str] = None
    """The application's name; jobs have it as `app`."""


class WorkflowInfo(WireModel, frozen=True):
    """One workflow of the account. The service doesn't list its inputs and outputs."""

    id: Maybe[str] = None
    """The workflow's UUID. Jobs are created by `slug`."""
    name: Maybe[str] = None
    """The display name."""
    slug: Annotated[str, Field(min_length=1)]
    """The slug, as in `CustomWorkflow(slug, params)`."""
    description: Maybe[str] = None
    """Free text; may be empty."""
    created_at: Time = None
    """The time of creation."""
    updated_at: Time = None
    """The time of the last change."""
    raw_created_at: Any = as_it_came("createdAt")
    """The JSON value of `created_at`."""
    raw_updated_at: Any = as_it_came("updatedAt")
    """The JSON value of `updated_at`."""


class WorkflowList(WireModel, frozen=True):
    """One page of the account's workflows (source: the official integration tests)."""

    workflows: Annotated[list[WorkflowInfo], Readable()]
    """The workflows of this page."""


class UploadUrls(WireModel, frozen=True):
    """Two signed URLs of one new object; both expire (source: the official reference)."""

    upload_url: Annotated[str, Field(pattern=r"^https?://")]
    """The URL for the PUT request with the bytes. Don't send the API key to it."""
    download_url: Annotated[str, Field(pattern=r"^https?://")]
    """The URL to pass to a job as its input."""
