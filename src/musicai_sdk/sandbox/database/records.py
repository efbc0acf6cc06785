"""The records of applications, jobs and stored objects, and the request that creates a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel


@dataclass(frozen=True)
class Application:
    """An application of the account. A key belongs to one, and an application sees only its own jobs."""

    id: str
    name: str
    key: str = field(repr=False)


class NewJob(BaseModel):
    """The body of `POST /job` (source: official clients). Unknown fields are ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, alias_generator=to_camel)

    name: str
    workflow: str
    params: dict[str, JsonValue]
    metadata: dict[str, JsonValue] | None = None
    copy_results_to: dict[str, str] | None = None


@dataclass(frozen=True)
class JobRecord:
    """A job. Its `seq` is never reused, not even after a reset, unlike a seeded `id`."""

    seq: int
    id: str
    app: str
    name: str
    batch_name: str | None
    metadata: dict[str, JsonValue]
    workflow: str
    params: dict[str, JsonValue]
    copy_results_to: dict[str, str]
    status: str
    result: dict[str, dict[str, JsonValue]] | None
    """By output name: `{"object": key}` for a file, `{"value": value}` for a plain value."""
    error: dict[str, str] | None
    created_at: float
    started_at: float | None
    completed_at: float | None


@dataclass(frozen=True)
class StoredObject:
    """One object of the storage; the digests are base64, as `x-goog-hash` writes them."""

    key: str
    blob: str
    """The name of the file that holds the bytes."""
    size: int
    content_type: str
    md5: str
    crc32c: str
    modified: float
