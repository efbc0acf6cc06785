"""A track: one content, one workflow, one set of parameters, and how far it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from musicai_sdk.batch.ledger.states import State


@dataclass(slots=True)
class Track:
    """One row of the ledger. Times are seconds since 1970."""

    key: str
    """A digest of content, workflow and parameters: what makes a track the same."""
    state: State
    """How far it is."""
    source: str
    """The path, or the URL without its signature; of several inputs with this content, the one seen first."""
    content: str
    """`sha256:…` of a file, `url:…` of a remote one, `object:…` (ETag and size) of one in a bucket."""
    params: str
    """The parameters by wire name, besides the input, as JSON."""
    folder: str
    """Where the results are, relative to the output folder; no other track has it, also when its input gets a new
    content."""
    sample: str
    """A digest of a few bytes of the content: equal contents have equal samples, so they meet in one shard."""
    size: int | None = None
    """Bytes of the input; None for a URL."""
    url: str | None = None
    """The signed URL under which the service reads the input; of an object in a bucket, what it is signed from."""
    idempotency_key: str | None = None
    """The token of the paid POST."""
    job_id: str | None = None
    """The job that was created for it last."""
    attempts: int = 0
    """How often it was tried without success."""
    resume_at: State | None = None
    """Where a failed track goes on: never before a job that is paid for and still useful. One whose results can be
    fetched goes on in every run, others when they are retried."""
    error_code: str | None = None
    """Why it failed, as a code; None unless it did."""
    error_message: str | None = None
    """Why it failed, in words."""
    bytes_downloaded: int = 0
    """The size of its results."""
    seen_at: float | None = None
    """When its content was known."""
    uploaded_at: float | None = None
    """When the service had its input."""
    creating_at: float | None = None
    """When the paid POST was about to leave."""
    created_at: float | None = None
    """When the job's id was known."""
    finished_at: float | None = None
    """When the job was seen to have succeeded."""
    downloaded_at: float | None = None
    """When its results were here."""
    verified_at: float | None = None
    """When they were read back."""
    ended_at: float | None = None
    """When it was deleted or failed."""
    run: str | None = None
    """The run that has changed it last, and that nobody else takes it from while that run is alive."""

    @property
    def is_url(self) -> bool:
        """Whether the input is remote: nothing is uploaded then."""
        return not self.content.startswith("sha256:")


def canonical(params: Mapping[str, Any]) -> str:
    """Parameters as JSON that is the same for the same parameters."""
    return json.dumps(params, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def track_key(content: str, workflow: str, input_name: str, params: str) -> str:
    """The digest under which a track is found again: by what it is, not by its name."""
    parts = json.dumps([content, workflow, input_name, params]).encode()
    return hashlib.sha256(parts).hexdigest()[:32]
