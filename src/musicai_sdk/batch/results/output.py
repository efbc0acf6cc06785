"""A result file, as it is recorded in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

MANIFEST = ""
"""The output name of the JSON file with the whole result."""
UNNAMED = "(unnamed)"
"""The recorded name of an output without a name."""


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A result file of a track."""

    name: str
    """The output's name; empty for the JSON file with the whole result."""
    path: str
    """Its path, relative to the output folder or to the bucket's prefix."""
    size: int
    """In bytes."""
    sha256: str | None
    """Its digest, in hex; None until it was verified. Of an object in a bucket its ETag, as `etag:…`."""
