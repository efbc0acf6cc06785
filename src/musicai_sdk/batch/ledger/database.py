"""Opening a ledger's file: created, checked and upgraded for a run, or only read."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from musicai_sdk._files import patiently, unlink
from musicai_sdk.batch.errors import LedgerError, LedgerMismatchError, LedgerVersionError
from musicai_sdk.batch.ledger.files import has_wal, relative_to_file
from musicai_sdk.batch.ledger.legacy_identity import record_cutoff
from musicai_sdk.batch.ledger.queries import meta
from musicai_sdk.batch.ledger.schema import VERSION, WITH_ATTEMPTS, tables
from musicai_sdk.batch.ledger.track import COLUMNS
from musicai_sdk.batch.results.folder_names import folded

_APPLICATION = 0x4D534149  # "MSAI": distinguishes a ledger from any other database
_BUSY = 30.0
"""Seconds that a reader or writer waits for the other one."""
_CACHE = 32 * 1024
"""KiB of the file kept in memory. With SQLite's default of 2 MiB, resuming takes a third longer."""

IN_USE = "in_use"
"""The row of `meta` that names the run that has the ledger open. It is in the file itself as soon as a run has begun, and
is removed when the run closes the ledger. If it is there and the WAL is not, changes are missing."""

Upgrade = Callable[[sqlite3.Connection, int, str, str], object]
"""Upgrades an older ledger: its connection, its version, the workflow's slug, the input's name."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition in which a ledger was opened."""

    id: str
    """Identifies the ledger; copies have the same id."""
    commits: int
    """How many transactions it has had."""
    is_new: bool
    """Whether it was just created."""
    lost_wal: bool
    """Whether the latest run didn't close it and its WAL is missing. Another program may have merged the WAL into the
    ledger, or it is lost."""


def create_or_open(
    path: Path,
    slug: str,
    input_name: str,
    out: Path | None,
    *,
    alone: bool,
    may_create: Callable[[], object],
    upgrade: Upgrade,
) -> tuple[sqlite3.Connection, Condition]:
    """Opens a ledger for a run, and creates it if it doesn't exist. The caller holds its lock.

    Args:
        path: The file.
        slug: The run's workflow.
        input_name: The wire name of the parameter that takes the input.
        out: The run's output folder, recorded unless one is known; None records nothing.
        alone: Whether there are no readers, so that the file may be on a network file system.
        may_create: Called before a new ledger is created; raises if that isn't allowed.
        upgrade: Upgrades a ledger of an older version.

    Raises:
        LedgerError: it isn't a ledger, is damaged, or belongs to something else.
    """
    is_new = not os.path.lexists(path)
    if is_new:
        may_create()
    try:
        if is_new:
            is_new = _create(path, slug, input_name)
        _check_file(path)
        had_wal = has_wal(path)
        connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"the ledger {str(path)!r} can't be opened: {error}") from None
    try:
        if alone:
            # Before the first access: WAL then needs no shared memory, which network file systems don't have.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        version = _checked_version(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        _make_durable(connection)
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        connection.create_function("folded", 1, folded, deterministic=True)
        check_owner(connection, path, slug, input_name)
        if version < VERSION:
            upgrade(connection, version, slug, input_name)
        if out is not None:
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('out', ?)", [relative_to_file(path, out)])
        record_cutoff(connection, new=is_new)
        return connection, _condition(connection, is_new=is_new, had_wal=had_wal)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise LedgerError(f"the ledger {str(path)!r} can't be used: {error}") from None
        raise


def _create(path: Path, slug: str, input_name: str) -> bool:
    """Creates a new ledger in one step; False if another process created it first."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}~")
    # Only for its owner: it will hold signed URLs.
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            _make_durable(connection)
            connection.executescript(
                f"BEGIN IMMEDIATE; {tables(', '.join(COLUMNS))} PRAGMA application_id = {_APPLICATION}"
            )
            values = {"workflow": slug, "input": input_name, "id": uuid.uuid4().hex, "commits": "0"}
            connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        try:
            os.link(part, path)  # unlike a rename, it replaces nothing
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            patiently(lambda: part.rename(path))
    finally:
        unlink(part)
    return True


def _condition(connection: sqlite3.Connection, *, is_new: bool, had_wal: bool) -> Condition:
    lost_wal = meta(connection, IN_USE) is not None and not had_wal
    commits = int(meta(connection, "commits") or 0)
    return Condition(meta(connection, "id") or "", commits, is_new, lost_wal)


def _make_durable(connection: sqlite3.Connection) -> None:
    """Makes every commit survive a power cut. On macOS that takes more than `fsync`; see `_files.fsync`."""
    for name, value in (("synchronous", "FULL"), ("fullfsync", "ON"), ("checkpoint_fullfsync", "ON")):
        connection.execute(f"PRAGMA {name} = {value}")


def inspect(path: Path) -> Condition:
    """The condition in which a run would open a ledger; changes nothing.

    Raises:
        LedgerError: it can't be read.
    """
    had_wal = has_wal(path)
    with closing(open_to_read(path)) as connection:
        return _condition(connection, is_new=False, had_wal=had_wal)


def _check_file(path: Path) -> None:
    """Checks that the file isn't empty and has one name only. SQLite itself notices a truncated one.

    Raises:
        LedgerError: it is, or has several.
    """
    # Never open it here: closing a file drops all locks that SQLite holds on it in this process.
    status = path.stat()
    if not status.st_size:
        raise LedgerError(
            f"the ledger {str(path)!r} is empty: its record of paid jobs is lost. Restore a copy; or remove it and"
            " begin a new one"
        )
    if status.st_nlink > 1:
        raise LedgerError(
            f"the ledger {str(path)!r} has {status.st_nlink} names (hard links), and a run under another name would pay"
            " for the same tracks: keep one of them, or copy the file to make it independent"
        )


def open_to_read(path: Path) -> sqlite3.Connection:
    """Opens a ledger read-only, also while a run uses it.

    Raises:
        LedgerError: it doesn't exist, or can't be read.
    """
    if not path.is_file():
        raise LedgerError(f"there is no ledger {str(path)!r}")
    try:
        if not path.stat().st_size:
            raise LedgerError(f"the ledger {str(path)!r} is empty")
        connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            if _checked_version(connection, path) < WITH_ATTEMPTS:
                connection.execute(
                    "CREATE TEMP VIEW tracks AS SELECT rowid AS rowid, *, NULL AS run FROM main.tracks"
                )
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger {str(path)!r} can't be read: {error}") from None
    return connection


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The ledger's version, if it is a ledger that this version of the package knows."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    count: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not (application or count or version):
        raise LedgerError(
            f"the ledger {str(path)!r} has no content: its WAL, {path.name + '-wal'!r}, which held it, was left behind or"
            " removed. Restore both files; or remove this one and begin a new ledger"
        )
    if application != _APPLICATION or not version:
        raise LedgerError(f"{str(path)!r} is another program's database, not a ledger")
    if version > VERSION:
        raise LedgerVersionError(
            f"the ledger {str(path)!r} has version {version}, and this musicai-sdk knows up to {VERSION}: update it"
        )
    return version


def check_owner(connection: sqlite3.Connection, path: Path, slug: str, input_name: str) -> None:
    """Raises `LedgerMismatchError` if the ledger belongs to another workflow."""
    owner = meta(connection, "workflow") or slug, meta(connection, "input") or input_name
    if owner != (slug, input_name):
        raise LedgerMismatchError(
            f"the ledger {str(path)!r} belongs to {owner[0]} ({owner[1]}), not to {slug} ({input_name}):"
            " give every workflow a ledger and an output folder of its own"
        )
