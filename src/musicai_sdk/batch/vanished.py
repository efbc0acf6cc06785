"""Results that earlier runs recorded as done: whether they are still where they were put.

Every file is looked up by its name and size, which costs about 10 microseconds for one on a local disk, and of a bucket
one listing. `LedgerView.check` reads the contents as well.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from musicai_sdk.batch.events import shown
from musicai_sdk.storage import Bucket

_MANY = 400
"""Values in one IN (…) at most."""
LISTED = 10_000
"""Damaged tracks that a report lists; all are counted."""

_Size: TypeAlias = Callable[[str], "int | None"]
"""The size of a file by its path below the output folder; None if it isn't there."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A track whose results aren't as they were recorded."""

    source: str
    """The input: a path, or a URL without its query."""
    folder: str
    """Where its results should be, relative to the output folder."""
    reason: str
    """What is wrong with them."""


@dataclass(slots=True)
class ResultCheck:
    """Looks up the results of tracks that a run skips."""

    out: Path
    bucket: Bucket | None = None
    damaged: dict[str, Damage] = field(default_factory=dict[str, Damage])
    """The first tracks whose results aren't there, `LISTED` at most, by key."""
    _listing: dict[str, int] | None = None

    def vanished(self, tracks: Iterable[RecordedTrack]) -> dict[str, Damage]:
        """Which of these tracks don't have their results any more, by key. Blocks.

        Raises:
            StorageError: the bucket can't be listed.
        """
        size = self._size_in_folder if self.bucket is None else self._size_in_bucket
        found = dict[str, Damage]()
        for track in tracks:
            reason = _problem(track, size, self.out if self.bucket is None else self.bucket.url)
            if reason is not None:
                found[track.key] = Damage(shown(track.source), track.folder, reason)
        return found

    def note(self, key: str, damage: Damage) -> None:
        """Keeps for the report a track that is skipped all the same."""
        if len(self.damaged) < LISTED:
            self.damaged[key] = damage

    def _size_in_folder(self, path: str) -> int | None:
        try:
            found = os.stat(f"{self.out}/{path}")  # noqa: PTH116 - a hundred thousand times
        except (OSError, ValueError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _size_in_bucket(self, path: str) -> int | None:
        if self._listing is None:
            # Once: the tracks that a run skips were finished before it began.
            self._listing = {each.name: each.size for each in self.bucket.objects()} if self.bucket else {}
        return self._listing.get(path)


@dataclass(frozen=True, slots=True)
class RecordedTrack:
    """A finished track with the files that were recorded."""

    key: str
    source: str
    folder: str
    files: tuple[tuple[str, int], ...]
    """Path below the output folder, and size in bytes."""


def recorded(db: sqlite3.Connection, keys: Sequence[str]) -> list[RecordedTrack]:
    """Finished tracks with their files, by their keys."""
    found = dict[str, tuple[str, str, list[tuple[str, int]]]]()
    for start in range(0, len(keys), _MANY):
        part = keys[start : start + _MANY]
        rows = db.execute(
            "SELECT key, source, folder, path, outputs.size FROM tracks LEFT JOIN outputs ON outputs.track = key"  # noqa: S608
            f" WHERE key IN ({', '.join('?' * len(part))})",
            part,
        ).fetchall()
        for key, source, folder, path, size in rows:
            files = found.setdefault(key, (source, folder, []))[2]
            if path is not None:
                files.append((path, size))
    return [
        RecordedTrack(key, source, folder, tuple(files)) for key, (source, folder, files) in found.items()
    ]


def advice(count: int, ledger: Path, first: Damage | None) -> str:
    """What a run says at its end of results that have gone."""
    some = f" ({shown(first.source)}: {first.reason})" if first is not None else ""
    return (
        f"the results of {count:,} inputs that earlier runs finished aren't there any more{some}: put the files back. Those"
        " whose jobs were kept are fetched again with retry_failed (--retry-failed); others only a job that is paid anew"
        f" gives, with another output folder. `musicai batch check {ledger}` reads all results"
    )


def _problem(track: RecordedTrack, size_of: _Size, out: Path | str) -> str | None:
    if not track.files:
        return "no results are recorded"
    for path, size in track.files:
        now = size_of(path)
        if now != size:
            is_now = "is missing" if now is None else f"has {now:,} bytes, not {size:,}"
            return f"{out!s}/{path} {is_now}"
    return None
