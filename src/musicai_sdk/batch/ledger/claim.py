"""What an output folder says of its ledger: whose it is, and how much was written to it. Evidence beside the ledger.

A ledger alone can't know that it is a copy, or an older one than was here before. So a small file in the output folder
names the ledger and counts its commits: a ledger with fewer of them than the folder has seen has lost something, and a
run on it would pay for that again.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from musicai_sdk.batch.errors import LedgerError, LedgerMismatchError
from musicai_sdk.batch.ledger.database import Opened, file_id, found_from, real_file, seen_from
from musicai_sdk.batch.results.folder_names import folded
from musicai_sdk.models.files import RESULT_MANIFEST
from musicai_sdk.storage import Bucket

LEDGER = ".musicai-batch.sqlite3"
"""The ledger's name in the output folder, unless it is put elsewhere. No folder of results can have it."""
MARKER = ".musicai-batch.ledger"
"""The claim's name in the output folder."""
_BESIDE = ".claim"
"""What is appended to the ledger's name for the claim, where the results are in a bucket."""
_SIZE = 1024
"""Bytes of a claim, so that it can be written over in place."""
_FOREIGN = ""
"""The owner of a folder whose results this ledger knows nothing of: no track has this key."""
_ADOPT = "adopt=True (--adopt)"


@dataclass(frozen=True, slots=True)
class _Said:
    """What a claim says."""

    id: str
    """The ledger's id."""
    ledger: str
    """Its path, as seen from the claim."""
    file: tuple[int, int] | None = None
    """Device and inode."""
    commits: int = 0
    """How many transactions the ledger had at least."""
    set_aside: bool = False
    """Whether the ledger was set aside, so that another one may begin here."""


class Claim:
    """A run's claim on its output folder."""

    def __init__(self, ledger: Path, out: Path, bucket: Bucket | None = None, *, adopt: bool = False) -> None:
        """Nothing is read or written yet.

        Args:
            ledger: The ledger's file, which need not exist.
            out: The output folder, which need not exist.
            bucket: Where the results go instead.
            adopt: Whether to go on where earlier work may be missing from the ledger.
        """
        self._ledger = real_file(ledger)
        self._out = out
        self._bucket = bucket
        self._adopt = adopt
        self.path: Path = path_of(self._ledger, out, in_bucket=bucket is not None)
        self._file: int | None = None
        self._said: _Said | None = None

    def check_new(self, *, send: bool = True) -> None:
        """Checks that a new ledger may begin here.

        Args:
            send: Whether a bucket may be asked what is in it.

        Raises:
            LedgerMismatchError: another ledger's results are in the folder.
            LedgerError: there was a ledger, or there are results, and a new one would know nothing of them.
        """
        said = read(self.path)
        if said is not None and said.set_aside:
            return
        if self._bucket is None:
            self._check_others(said)
        if self._adopt:
            return
        results = next(self._results(), None) if send or self._bucket is None else None
        if said is None and results is None:
            return
        place = self._bucket.url if self._bucket is not None else str(self._out)
        what = (
            f"{place!r} holds results of earlier work, such as {results!r}"
            if results is not None
            else f"{str(self.path)!r} says that there was one"
        )
        raise LedgerError(
            f"there is no ledger {str(self._ledger)!r}, but {what}: without their ledger the same inputs would be paid for"
            f" once more. Put the ledger back (its name may begin with a dot, which copying leaves out easily); or begin a"
            f" new one with {_ADOPT}, which leaves those results as they are"
        )

    def check(self, opened: Opened) -> None:
        """Checks that a ledger is the one that was used here last, and that nothing of it is missing.

        Raises:
            LedgerMismatchError: another ledger's results are in the folder, or this ledger is a copy.
            LedgerError: it lacks what was written to it last.
        """
        said = self._said = read(self.path)
        if self._bucket is None:
            self._check_others(said, opened.id)
        if opened.is_new:
            return
        if said is not None and said.id == opened.id:
            self._check_copy(said, opened.id)
        if self._adopt:
            return
        if said is not None and said.id != opened.id and not said.set_aside:
            raise LedgerError(
                f"{str(self._ledger)!r} isn't the ledger that was used here last: what that one has paid for would be paid"
                f" for again. Put that one back, or go on with this one by {_ADOPT}"
            )
        known = said.commits if said is not None and said.id == opened.id else None
        if known is not None and known > opened.commits:
            self._refuse_older()
        if opened.lost_wal and known is None:
            self._refuse_older()

    def doubtful(self, opened: Opened) -> bool:
        """Whether, as `adopt` allows, the run goes on with a ledger that may lack something."""
        said = self._said
        same = said is not None and said.id == opened.id
        if opened.is_new:
            return False
        if said is not None and not same and not said.set_aside:
            return True
        return (said.commits > opened.commits) if said is not None and same else opened.lost_wal

    def adopt(self, db: sqlite3.Connection) -> None:
        """Keeps a new ledger from writing to folders that hold results already."""
        if self._adopt:
            db.executemany(
                "INSERT OR IGNORE INTO folders VALUES (?, ?)",
                ((folded(folder), _FOREIGN) for folder in self._results()),
            )

    def take(self, ledger_id: str, commits: int) -> None:
        """Claims the folder for a ledger.

        Raises:
            LedgerMismatchError: another ledger has just done so.
            OSError: the folder can't be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        found = self._said
        said = _Said(ledger_id, seen_from(self.path, self._ledger), file_id(self._ledger), commits)
        try:
            if found is None:
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            else:
                self._file = os.open(self.path, os.O_RDWR)
        except FileExistsError:
            now = read(self.path)
            if now is None or now.id != ledger_id:
                raise LedgerMismatchError(self._of_others(now)) from None
            self._file = os.open(self.path, os.O_RDWR)
        self._write(said)

    def witness(self, commits: int) -> None:
        """Notes how many commits the ledger has now. It isn't forced onto the disk: fewer of them are no harm."""
        if self._said is not None and self._file is not None:
            with suppress(OSError):
                self._write(replace(self._said, commits=commits))

    def close(self) -> None:
        """Closes the file. Twice is fine."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, said: _Said) -> None:
        self._said = said
        if self._file is not None:
            text = json.dumps(asdict(said))
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, f"{text:<{_SIZE - 1}}\n".encode())
            os.ftruncate(self._file, max(_SIZE, len(text.encode()) + 1))

    def _check_others(self, said: _Said | None, own_id: str | None = None) -> None:
        """No other ledger's results are in this folder."""
        own = self._out / LEDGER
        if said is not None:
            other = found_from(self.path, said.ledger)
            if said.id == own_id or _same(other, self._ledger):
                return
            if (self._adopt or said.set_aside) and not other.exists():
                return
            raise LedgerMismatchError(self._of_others(said))
        if own.is_file() and not _same(own, self._ledger):
            raise LedgerMismatchError(self._of_others(None))

    def _of_others(self, said: _Said | None) -> str:
        other = found_from(self.path, said.ledger) if said is not None else self._out / LEDGER
        hint = (
            f", or remove {str(self.path)!r} if that ledger isn't needed any more" if said is not None else ""
        )
        return (
            f"{str(self._out)!r} has the results of another ledger, {str(other)!r}, which would be overwritten: give"
            f" {str(self._ledger)!r} an output folder of its own{hint}"
        )

    def _check_copy(self, said: _Said, own_id: str) -> None:
        """This ledger is no copy of one that is still there."""
        other = found_from(self.path, said.ledger)
        if _same(other, self._ledger) or not other.is_file() or file_id(other) == file_id(self._ledger):
            return
        if _id_of(other) == own_id:
            raise LedgerMismatchError(
                f"{str(self._ledger)!r} is a copy of the ledger {str(other)!r}, which is in use here: the two would pay for"
                " the same tracks. Use that one, or move it away first"
            )

    def _refuse_older(self) -> None:
        wal = self._ledger.with_name(self._ledger.name + "-wal")
        raise LedgerError(
            f"the ledger {str(self._ledger)!r} lacks what was written to it last: it is an older copy, or {wal.name!r}, which"
            " holds the latest changes, was left behind when it was copied. A run would pay for the missing part again. Put"
            f" both files in place as they were; or go on by {_ADOPT}: then tracks whose job the ledger doesn't know count as"
            " uncertain, and are sent again only with retry_uncertain=True (--retry-uncertain)"
        )

    def _results(self) -> Iterator[str]:
        """The folders, relative to the output, that hold results."""
        if self._bucket is not None:
            names = (each.name for each in self._bucket.objects())
            return (
                name[: -len(RESULT_MANIFEST) - 1] for name in names if name.endswith(f"/{RESULT_MANIFEST}")
            )
        return _folders_with_results(self._out)


def _folders_with_results(out: Path) -> Iterator[str]:
    for parent, _folders, files in os.walk(out):
        if RESULT_MANIFEST in files and Path(parent) != out:
            yield Path(parent).relative_to(out).as_posix()


def path_of(ledger: Path, out: Path, *, in_bucket: bool) -> Path:
    """Where the claim of a ledger is: in the output folder, or beside the ledger of a bucket."""
    return ledger.with_name(ledger.name + _BESIDE) if in_bucket else out / MARKER


def read(path: Path) -> _Said | None:
    """What a claim says; None if there is none, or it can't be read."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        said: object = json.loads(path.read_text("utf-8"))
        if isinstance(said, dict) and {"id", "ledger"} <= said.keys():
            found = cast("dict[str, Any]", said)
            file = found.get("file")
            return _Said(
                str(found["id"]),
                str(found["ledger"]),
                (int(file[0]), int(file[1])) if file else None,
                int(found.get("commits", 0)),
                bool(found.get("set_aside")),
            )
    return None


def release(path: Path, ledger_id: str) -> None:
    """Lets another ledger begin where this one was set aside."""
    said = read(path)
    if said is not None and said.id == ledger_id:
        path.write_text(f"{json.dumps(asdict(replace(said, set_aside=True))):<{_SIZE - 1}}\n", "utf-8")


def _id_of(ledger: Path) -> str | None:
    with suppress(sqlite3.Error, OSError):
        connection = sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)
        try:
            row = connection.execute("SELECT value FROM meta WHERE name = 'id'").fetchone()
            return str(row[0]) if row else None
        finally:
            connection.close()
    return None


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file or folder, which need not be there."""
    return one.resolve() == other.resolve()
