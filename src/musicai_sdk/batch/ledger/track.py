"""A track: one content, one workflow, one set of parameters, and the state of its processing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from musicai_sdk._text import redacted_repr
from musicai_sdk.batch.ledger.states import State


@dataclass(slots=True)
class Track:
    """One row of the ledger. Times are seconds since 1970."""

    key: str
    """A digest of content, workflow and parameters, which identifies the track."""
    state: State
    """The state of the track."""
    source: str
    """The path, or the URL without its signature. If several inputs have this content, the first one."""
    content: str
    """`sha256:…` of a file, `url:…` of a URL, `object:…` (ETag and size) of an object in a bucket."""
    params: str
    """The parameters by wire name, without the input, as JSON."""
    folder: str
    """The folder of the results, relative to the output folder. No other track ever gets this folder."""
    sample: str
    """A digest of a few bytes of the content. Equal contents have equal samples, so they are processed by the same
    shard."""
    size: int | None = None
    """The input's size in bytes; None for a URL."""
    url: str | None = None
    """The signed URL where the service reads the input, until the results are safe; for an object in a bucket, its URL with
    its version."""
    idempotency_key: str | None = None
    """The idempotency key of the paid POST."""
    job_id: str | None = None
    """The latest job that was created for the track."""
    attempts: int = 0
    """How often a step failed."""
    resume_at: State | None = None
    """The state from which a failed track continues. A track with a paid and still useful job continues with that job.
    Every run continues a track whose results can be fetched; other tracks need a requested retry."""
    error_code: str | None = None
    """The failure's code; None unless the track failed."""
    error_message: str | None = None
    """The failure's message."""
    bytes_downloaded: int = 0
    """The size of the results in bytes."""
    seen_at: float | None = None
    """When the content was first seen."""
    uploaded_at: float | None = None
    """When the upload ended."""
    creating_at: float | None = None
    """When the paid POST was about to be sent."""
    created_at: float | None = None
    """When the job's id arrived."""
    finished_at: float | None = None
    """When the job was found to have succeeded."""
    downloaded_at: float | None = None
    """When the results were downloaded."""
    verified_at: float | None = None
    """When the results were read back and verified."""
    ended_at: float | None = None
    """When the job was deleted, or the track failed."""
    run: str | None = None
    """The run that last changed the track. No other run takes the track while that run is alive."""
    audio_ms: int | None = None
    """The length of the audio in milliseconds; None if it isn't known."""

    __repr__ = redacted_repr

    @property
    def is_url(self) -> bool:
        """Whether the service reads the input itself, so that nothing is uploaded."""
        return not self.content.startswith("sha256:")


COLUMNS: tuple[str, ...] = tuple(each.name for each in fields(Track))
"""The columns of the table `tracks`, in the order of the fields."""


class Overtaken(Exception):  # noqa: N818 - nothing is wrong with the track
    """Another run changed the track since this run read it. Nothing was written."""


def canonical(params: Mapping[str, Any]) -> str:
    """Parameters as JSON. Equal parameters give equal texts."""
    return json.dumps(params, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def track_key(content: str, workflow: str, input_name: str, params: str) -> str:
    """The digest that identifies a track. It depends on the content, not on the file name."""
    parts = json.dumps([content, workflow, input_name, params]).encode()
    return hashlib.sha256(parts).hexdigest()[:32]
