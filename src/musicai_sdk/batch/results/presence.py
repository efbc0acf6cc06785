"""Checks that the results of finished tracks still exist.

Looks up every file by name and size, which takes about 10 microseconds per track on a local disk. A bucket is listed
once. `LedgerView.check` also reads the contents.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from musicai_sdk.batch.text import redacted
from musicai_sdk.storage import Bucket

_LISTED = 10_000
"""The most damaged tracks that a report lists; all are counted."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A track whose results differ from what was recorded."""

    source: str
    """The input: a path, or a URL without its query."""
    folder: str
    """The folder that should have its results, relative to the output folder."""
    reason: str
    """What is wrong with them."""


@dataclass(slots=True)
class ResultCheck:
    """Looks up the results of tracks that a run would skip."""

    out: Path
    bucket: Bucket | None = None
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    """The skipped tracks whose results are missing, by key, each with the reason; limited to 10,000."""
    _listing: dict[str, int] | None = None

    def missing(self, tracks: Mapping[str, Sequence[tuple[str, int]]]) -> dict[str, str]:
        """Returns the tracks that lack results, each with the reason, given the recorded paths and sizes by track. Blocks.

        Raises:
            StorageError: the bucket can't be listed.
        """
        size_of = self._sizes_in_folder() if self.bucket is None else self._size_in_bucket
        found = dict[str, str]()
        for key, files in tracks.items():
            if not files:
                found[key] = "no results are recorded"
            for path, size in files:
                if (there := size_of(path)) != size:
                    place = self.out if self.bucket is None else self.bucket.url
                    what = "is missing" if there is None else f"has {there:,} bytes, not {size:,}"
                    found[key] = f"{place}/{path} {what}"
                    break
        return found

    def report(self, key: str, reason: str) -> None:
        """Records a skipped track whose results are missing, for the report of the run."""
        if len(self.reasons) < _LISTED:
            self.reasons[key] = reason

    def damaged(self, places: Mapping[str, tuple[str, str]]) -> tuple[Damage, ...]:
        """The reported tracks, ordered by folder; `places` has the source and folder of each."""
        found = [
            Damage(redacted(source), folder, self.reasons[key]) for key, (source, folder) in places.items()
        ]
        return tuple(sorted(found, key=lambda each: each.folder))

    def _sizes_in_folder(self) -> Callable[[str], int | None]:
        # Local names: this runs a hundred thousand times.
        look_up, is_regular, start = os.stat, stat.S_ISREG, f"{self.out}/"

        def size_of(path: str) -> int | None:
            try:
                found = look_up(start + path)
            except (OSError, ValueError):
                return None
            return found.st_size if is_regular(found.st_mode) else None

        return size_of

    def _size_in_bucket(self, path: str) -> int | None:
        if self._listing is None:
            # One listing is enough: the tracks that a run skips were finished before it began.
            self._listing = {each.name: each.size for each in self.bucket.objects()} if self.bucket else {}
        return self._listing.get(path)


def missing_advice(count: int, ledger: Path, first: Damage | None) -> str:
    """The warning at the end of a run about missing results."""
    example = f" ({first.source}: {first.reason})" if first is not None else ""
    return (
        f"the results of {count:,} inputs that earlier runs finished are missing{example}: put the files back. Their jobs"
        " are deleted, so only new, paid jobs in another output folder could produce them again."
        f" `musicai batch check {ledger}` checks the contents of all results"
    )
