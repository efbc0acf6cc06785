"""The claim of a ledger on its output folder: a file that shows whether the ledger is the right and current one.

A ledger alone doesn't show that it is a copy, or an older version of itself. So a small file in the output folder names
the ledger and counts its commits. If a ledger has fewer commits than its claim says, it has lost changes, and a run
with it would pay again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from musicai_sdk._files import replace as replace_file
from musicai_sdk._files import unlink
from musicai_sdk.batch.errors import LedgerError, LedgerMismatchError
from musicai_sdk.batch.ledger.database import Condition
from musicai_sdk.batch.ledger.files import (
    LEDGER,
    beside,
    file_id,
    real_file,
    relative_to_file,
    resolved_from_file,
    same_path,
    shard_folder,
)
from musicai_sdk.batch.ledger.queries import meta
from musicai_sdk.batch.results.folder_names import folded
from musicai_sdk.batch.results.folders import FOREIGN
from musicai_sdk.models.files import RESULT_MANIFEST
from musicai_sdk.storage import Bucket

MARKER = ".musicai-batch.ledger"
"""The claim's name in the output folder."""
_SIZE = 1024
"""Bytes of a claim, fixed so that it can be overwritten in place."""
ADOPT = "adopt=True (--adopt)"
"""How to continue although the ledger may lack earlier work."""


@dataclass(frozen=True, slots=True)
class _Content:
    """The content of a claim. The field names are the names in the file."""

    id: str
    """The ledger's id."""
    ledger: str
    """The ledger's path, relative to the claim's folder."""
    file: tuple[int, int] | None = None
    """The ledger's device and inode."""
    commits: int = 0
    """The minimum number of transactions that the ledger must have had."""
    set_aside: bool = False
    """Whether the ledger was archived, so that another ledger may start here."""


class Claim:
    """A run's claim on its output folder."""

    def __init__(self, ledger: Path, out: Path, bucket: Bucket | None = None, *, adopt: bool = False) -> None:
        """Prepares the claim. Reads and writes nothing yet.

        Args:
            ledger: The ledger's file, which need not exist.
            out: The output folder, which need not exist.
            bucket: The bucket for results, if they don't go to the folder.
            adopt: Whether to continue even if the ledger may lack earlier work.
        """
        self._ledger = real_file(ledger)
        self._out = out
        self._bucket = bucket
        self._adopt = adopt
        self.path: Path = claim_path(self._ledger, out, in_bucket=bucket is not None)
        self._file: int | None = None
        # Read before the ledger is opened: if its lock was removed, another run may still write to both, the ledger first.
        self._before: _Content | None = _read(self.path)
        self._content: _Content | None = None

    def check_new(self, *, send: bool = True) -> None:
        """Checks that a new ledger may start here.

        Args:
            send: Whether requests may be sent, to list a bucket.

        Raises:
            LedgerMismatchError: the folder has another ledger's results.
            LedgerError: there was a ledger, or there are results, that a new ledger wouldn't know.
        """
        content = _read(self.path)
        if content is not None and content.set_aside:
            return
        if self._bucket is None:
            self._check_owner(content)
        if self._adopt:
            return
        results = next(self._results(), None) if send or self._bucket is None else None
        if content is None and results is None:
            return
        place = self._bucket.url if self._bucket is not None else str(self._out)
        what = (
            f"{place!r} holds results of earlier work, such as {results!r}"
            if results is not None
            else f"{str(self.path)!r} says that there was one"
        )
        raise LedgerError(
            f"there is no ledger {str(self._ledger)!r}, but {what}: without the ledger the same inputs would be paid for"
            " again. Restore it (its name may begin with a dot, so copying easily leaves it out); or begin a new one"
            f" with {ADOPT}, which keeps those results"
        )

    def check(self, condition: Condition) -> bool:
        """Checks that a ledger is the one that was last used here, and lacks no changes.

        Returns:
            Whether the ledger may lack changes, and the run continues only because of `adopt`.

        Raises:
            LedgerMismatchError: the folder has another ledger's results, or this ledger is a copy.
            LedgerError: the ledger's latest changes are missing.
        """
        content = self._content = _read(self.path)
        if self._bucket is None:
            self._check_owner(content, condition.id)
        if condition.is_new:
            return False
        if content is not None and content.id == condition.id:
            self._check_copy(condition.id)
            before = self._before
            older = before is not None and before.id == condition.id and before.commits > condition.commits
        elif content is not None and not content.set_aside:
            if not self._adopt:
                raise LedgerError(
                    f"{str(self._ledger)!r} isn't the ledger that was used here last: what that one has paid for would be"
                    f" paid for again. Restore that one, or continue with this one by {ADOPT}"
                )
            return True
        else:
            older = condition.lost_wal
        if not (older or condition.lost_shards):
            return False
        if not self._adopt:
            why = (
                f"it is an older copy, or {beside(self._ledger, '-wal').name!r}, which holds them, wasn't copied along"
                if older
                else f"the work of an interrupted run with an executor is in {shard_folder(self._ledger).name!r} beside"
                f" it, which lacks {', '.join(condition.lost_shards)}"
            )
            raise LedgerError(
                f"the ledger {str(self._ledger)!r} lacks its latest changes: {why}. A run would pay for that work again."
                f" Restore all of these files; or continue by {ADOPT}: then tracks without a known job count as"
                " uncertain, and are sent again only with retry_uncertain=True (--retry-uncertain)"
            )
        return True

    def adopt(self, db: sqlite3.Connection) -> None:
        """Prevents a new ledger from writing to folders that already contain results."""
        if self._adopt:
            db.executemany(
                "INSERT OR IGNORE INTO folders VALUES (?, ?)",
                ((folded(folder), FOREIGN) for folder in self._results()),
            )

    def take(self, condition: Condition) -> None:
        """Claims the folder for a checked ledger.

        Raises:
            LedgerMismatchError: another ledger has just claimed it.
            OSError: the folder can't be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        ledger = relative_to_file(self.path, self._ledger)
        content = _Content(condition.id, ledger, file_id(self._ledger), condition.commits)
        if self._content is None:
            self._create(content)
        self._file = os.open(self.path, os.O_RDWR)
        self._write(content)
        # The claim may have been longer. Later ones of this run aren't shorter.
        os.ftruncate(self._file, os.lseek(self._file, 0, os.SEEK_CUR))

    def _create(self, content: _Content) -> None:
        """Creates the claim with its content in one step, so that a kill in between leaves none that names no ledger.

        Raises:
            LedgerMismatchError: another ledger has just claimed the folder.
        """
        part = beside(self.path, f".{uuid.uuid4().hex[:8]}~")
        try:
            _write_new(part, content)
            try:
                if _is_blank(self.path):
                    replace_file(part, self.path)
                else:
                    os.link(part, self.path)  # unlike a rename, a link never replaces a file
            except FileExistsError:
                pass
            except OSError:  # a file system without links
                with suppress(FileExistsError):
                    _write_new(self.path, content)
        finally:
            unlink(part)
        now = _read(self.path)
        if now is None or now.id != content.id:
            raise LedgerMismatchError(self._foreign(now))

    def witness(self, commits: int) -> None:
        """Records the ledger's number of commits.

        Doesn't force the file onto the disk, because a number that is too small is harmless.
        """
        if self._content is not None and self._file is not None:
            with suppress(OSError):
                self._write(replace(self._content, commits=commits))

    def close(self) -> None:
        """Closes the file. May be called twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, content: _Content) -> None:
        self._content = content
        if self._file is not None:
            text = _encoded(content)
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, text)

    def _check_owner(self, content: _Content | None, own_id: str | None = None) -> None:
        """Checks that the folder doesn't have another ledger's results."""
        default = self._out / LEDGER
        if content is None:
            if default.is_file() and not same_path(default, self._ledger):
                raise LedgerMismatchError(self._foreign(None))
            return
        other = resolved_from_file(self.path, content.ledger)
        if content.id == own_id or same_path(other, self._ledger):
            return
        if not (self._adopt or content.set_aside) or other.exists():
            raise LedgerMismatchError(self._foreign(content))

    def _foreign(self, content: _Content | None) -> str:
        hint = (
            f", or remove {str(self.path)!r} if that ledger is no longer needed" if self.path.exists() else ""
        )
        if content is not None:
            other = resolved_from_file(self.path, content.ledger)
        elif hint:
            return (
                f"{str(self.path)!r} can't be read, so the results in {str(self._out)!r} may be those of another ledger: give"
                f" {str(self._ledger)!r} an output folder of its own{hint}"
            )
        else:
            other = self._out / LEDGER
        return (
            f"{str(self._out)!r} has the results of another ledger, {str(other)!r}, which would be overwritten: give"
            f" {str(self._ledger)!r} an output folder of its own{hint}"
        )

    def _check_copy(self, own_id: str) -> None:
        """Checks that this ledger isn't a copy of a ledger that still exists."""
        other = resolved_from_file(self.path, self._content.ledger if self._content is not None else "")
        if same_path(other, self._ledger) or not other.is_file() or file_id(other) == file_id(self._ledger):
            return
        if _ledger_id(other) == own_id:
            raise LedgerMismatchError(
                f"{str(self._ledger)!r} is a copy of the ledger {str(other)!r}, which is in use here: both would pay for"
                " the same tracks. Use that one, or move it away first"
            )

    def _results(self) -> Iterator[str]:
        """The folders that contain results, relative to the output folder."""
        if self._bucket is None:
            return _folders_with_results(self._out)
        ending = f"/{RESULT_MANIFEST}"
        names = (each.name for each in self._bucket.objects())
        return (name.removesuffix(ending) for name in names if name.endswith(ending))


def _folders_with_results(out: Path) -> Iterator[str]:
    for parent, _folders, files in os.walk(out):
        if RESULT_MANIFEST in files and Path(parent) != out:
            yield Path(parent).relative_to(out).as_posix()


def claim_path(ledger: Path, out: Path, *, in_bucket: bool) -> Path:
    """The file of a ledger's claim: in the output folder, or beside the ledger if results are in a bucket."""
    return beside(ledger, ".claim") if in_bucket else out / MARKER


def release(path: Path, ledger_id: str) -> None:
    """Lets another ledger start in the folder of an archived ledger."""
    content = _read(path)
    if content is not None and content.id == ledger_id:
        path.write_bytes(_encoded(replace(content, set_aside=True)))


def _write_new(path: Path, content: _Content) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, _encoded(content))
    finally:
        os.close(descriptor)


def _is_blank(path: Path) -> bool:
    """Whether a claim exists and is empty or null: a power cut, or a kill of an older version, left it so."""
    try:
        return not path.read_bytes()[: _SIZE * 4].strip(b"\0")
    except OSError:
        return False


def _encoded(content: _Content) -> bytes:
    values = {name: getattr(content, name) for name in _Content.__slots__}
    return f"{json.dumps(values):<{_SIZE - 1}}\n".encode()


def _read(path: Path) -> _Content | None:
    """The content of a claim; None if the file doesn't exist or can't be read."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        value: object = json.loads(path.read_text("utf-8"))
        if isinstance(value, dict) and {"id", "ledger"} <= value.keys():
            found = cast("dict[str, Any]", value)
            file = found.get("file")
            return _Content(
                str(found["id"]),
                str(found["ledger"]),
                (int(file[0]), int(file[1])) if file else None,
                int(found.get("commits", 0)),
                bool(found.get("set_aside")),
            )
    return None


def _ledger_id(ledger: Path) -> str | None:
    with (
        suppress(sqlite3.Error, OSError),
        closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return meta(connection, "id")
    return None
