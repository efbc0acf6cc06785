"""The beginning of a download, kept beside its target so that it can go on: in this call, or in another process."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from musicai_sdk._core.names import PARTIAL, PARTIAL_NOTE


@dataclass(frozen=True)
class Version:
    """Which version of an object a part belongs to."""

    validator: str
    """Its strong ETag, else its modification time: what `If-Range` compares."""
    size: int
    """The whole object's size in bytes."""
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    """The whole object's digests by algorithm, in base64."""


def validator(headers: Mapping[str, str]) -> str | None:
    """What identifies the version of an answer; a weak ETag can't, parts of two versions might be mixed."""
    etag = headers.get("etag", "")
    return etag if etag.startswith('"') else headers.get("last-modified") or None


def is_of(headers: Mapping[str, str], version: Version) -> bool:
    """Whether a partial answer says nothing of another version: not every server heeds `If-Range`."""
    name = "etag" if version.validator.startswith('"') else "last-modified"
    return headers.get(name, version.validator).removeprefix("W/") == version.validator


def content_range(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """First byte and whole size of a partial answer, which its `Content-Range` decides and not its status."""
    # Longer numbers are no sizes, and Python doesn't convert very long ones.
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", headers.get("content-range", "").strip())
    return (int(match[1]), int(match[2])) if match else None


class Partial:
    """`<target>.part` with the bytes, and `<target>.part-of` saying what they are part of."""

    def __init__(self, target: Path) -> None:
        self.path: Path = target.with_name(target.name + PARTIAL)
        self._note = target.with_name(target.name + PARTIAL_NOTE)

    def resumable(self) -> tuple[int, Version | None]:
        """Where to go on, and with which version; (0, None) to start from the beginning.

        At most one byte less than the whole: so the server always has something to send, and says by it that the
        version is still the same.
        """
        try:
            size = self.path.stat().st_size
            version = _read(json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            return 0, None
        offset = min(size, version.size - 1)
        return (offset, version) if offset > 0 else (0, None)

    def describe(self, version: Version | None) -> None:
        """Notes what the coming bytes are part of, before the first of them is written."""
        if version is None:
            self._note.unlink(missing_ok=True)
            return
        fresh = self._note.with_name(f"{self._note.name}~")
        fresh.write_text(json.dumps(asdict(version)), encoding="utf-8")
        os.replace(fresh, self._note)  # noqa: PTH105 - atomic

    def finish(self, target: Path) -> None:
        """Gives the whole file its name."""
        os.replace(self.path, target)  # noqa: PTH105 - atomic
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Removes both, as far as possible: it is called when something else has failed already."""
        for path in (self.path, self._note):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _read(note: dict[str, Any]) -> Version:
    version = Version(str(note["validator"]), int(note["size"]), dict(note["digests"]))
    if not version.validator.isprintable() or not version.validator.isascii():
        raise ValueError("not what was written here")
    return version
