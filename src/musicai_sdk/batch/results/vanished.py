"""Results that earlier runs recorded as done: whether they are still where they were put.

Every file is looked up by its name and size: about 10 microseconds a track on a local disk, and of a bucket one listing.
`LedgerView.check` reads the contents as well.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from musicai_sdk.batch.events import redacted
from musicai_sdk.storage import Bucket

_MANY = 400
"""Values in one IN (…) at most."""
LISTED = 10_000
"""Damaged tracks that a report lists; all are counted."""

Recorded: TypeAlias = Mapping[str, Sequence[tuple[str, int]]]
"""The files of finished tracks by key: path below the output folder, and size in bytes."""
Vanished: TypeAlias = Mapping[str, tuple[str, int, int | None] | None]
"""By key, the first file that isn't as it was: path, size, size now (None: it is missing). None: no file is recorded."""


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
    _reasons: dict[str, str] = field(default_factory=dict[str, str])
    _listing: dict[str, int] | None = None

    def vanished(self, tracks: Recorded) -> Vanished:
        """Which of these tracks don't have their results any more. Blocks.

        Raises:
            StorageError: the bucket can't be listed.
        """
        size_of = self._size_in_folder if self.bucket is None else self._size_in_bucket
        found = dict[str, tuple[str, int, int | None] | None]()
        for key, files in tracks.items():
            if not files:
                found[key] = None
            for path, size in files:
                if (now := size_of(path)) != size:
                    found[key] = (path, size, now)
                    break
        return found

    def note(self, key: str, vanished: Vanished) -> None:
        """Keeps for the report a track that is skipped although its results have gone."""
        if len(self._reasons) < LISTED:
            self._reasons[key] = self._reason(vanished[key])

    def damaged(self, db: sqlite3.Connection) -> list[Damage]:
        """The tracks that were noted, `LISTED` at most."""
        found = list[Damage]()
        for part in _parts(list(self._reasons)):
            rows = db.execute(f"SELECT key, source, folder FROM tracks WHERE key IN ({_marks(part)})", part)  # noqa: S608
            found += [Damage(redacted(source), folder, self._reasons[key]) for key, source, folder in rows]
        return sorted(found, key=lambda each: each.folder)

    def _reason(self, file: tuple[str, int, int | None] | None) -> str:
        if file is None:
            return "no results are recorded"
        path, size, now = file
        place = self.out if self.bucket is None else self.bucket.url
        return f"{place}/{path} {'is missing' if now is None else f'has {now:,} bytes, not {size:,}'}"

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


def recorded(db: sqlite3.Connection, keys: Collection[str]) -> Recorded:
    """The files of finished tracks, by their keys."""
    found = defaultdict[str, list[tuple[str, int]]](list)
    for part in _parts(list(dict.fromkeys(keys))):
        for key in part:
            found[key]  # a track without files is one as well
        rows = db.execute(f"SELECT track, path, size FROM outputs WHERE track IN ({_marks(part)})", part)  # noqa: S608
        for key, path, size in rows.fetchall():
            found[key].append((path, size))
    return found


def advice(count: int, ledger: Path, first: Damage | None) -> str:
    """What a run says at its end of results that have gone."""
    some = f" ({first.source}: {first.reason})" if first is not None else ""
    return (
        f"the results of {count:,} inputs that earlier runs finished aren't there any more{some}: put the files back."
        " Those whose jobs were kept are fetched again with retry_failed (--retry-failed); others only a job that is paid"
        f" anew gives, with another output folder. `musicai batch check {ledger}` reads all results"
    )


def _parts(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + _MANY] for start in range(0, len(keys), _MANY)]


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
