"""An input as a run handles it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from musicai_sdk._text import redacted_repr
from musicai_sdk.batch.inputs.kinds import Rejected
from musicai_sdk.batch.ledger.states import State


@dataclass(slots=True)
class InputRow:
    """An input, filled in step by step: read from its source, looked up in the ledger, identified by its content."""

    source: str
    """The absolute path, or the URL without its signature."""
    params: str
    """The parameters by wire name, as canonical JSON."""
    name: str
    """The folder for its results: the requested name, which may be empty; once admitted, the folder claimed in the ledger.

    No two tracks share a folder: results of later contents go to `name (12 digits of the track's key)`.
    """
    url: str | None = None
    """The complete URL of a remote input."""
    size: int | None = None
    """The file's size in bytes."""
    mtime_ns: int | None = None
    """The file's modification time in nanoseconds."""
    content: str | None = None
    """Its digest, once known and still current; see `Track.content`."""
    sample: str | None = None
    """See `Track.sample`."""
    audio_ms: int | None = None
    """The length of the audio in milliseconds, if it is known."""
    legacy_source: str | None = None
    """The source under which a ledger of 2.0.0 knows this URL, if it differs."""
    key: str | None = None
    """Its track's key, if an earlier run had this input."""
    state: State | None = None
    """That track's state."""

    __repr__ = redacted_repr


Candidate: TypeAlias = InputRow | Rejected
"""An input to process, or the reason why it can't be processed."""
