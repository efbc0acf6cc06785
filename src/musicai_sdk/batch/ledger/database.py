"""Opens a ledger's file: for a run, which creates, checks and upgrades it, or only for reading."""

from __future__ import annotations

import os
import sqlite3
import stat
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from musicai_sdk._files import kind, patiently, unlink
from musicai_sdk.batch.errors import LedgerError, LedgerMismatchError, LedgerVersionError
from musicai_sdk.batch.ledger.connection import Connection, connect
from musicai_sdk.batch.ledger.files import has_wal, relative_to_file, shard_files
from musicai_sdk.batch.ledger.legacy_identity import record_cutoff
from musicai_sdk.batch.ledger.queries import meta
from musicai_sdk.batch.ledger.schema import VERSION, WITH_ATTEMPTS, WITH_LENGTHS, tables
from musicai_sdk.batch.ledger.track import COLUMNS
from musicai_sdk.batch.results.folder_names import folded

_APPLICATION = 0x4D534149  # "MSAI": distinguishes a ledger from any other database
_CACHE = 16 * 1024
"""The size of the page cache in KiB. With SQLite's default of 2 MiB, resuming 100,000 files takes a tenth longer; with
32 MiB it takes as long, and 16 MiB more memory."""

IN_USE = "in_use"
"""The row of `meta` that names the run that has the ledger open. The run checkpoints this row into the file itself when
it begins, and removes it when it closes the ledger. If the file has the row but the WAL is missing, changes are
missing."""

BEGAN_AT = "began_at"
"""The row of `meta`, in a shard, with the time when the first run with the main ledger began."""
GIVEN_TO = "shard "
"""The prefix of the rows of `meta` that name the shards with rows of this ledger. Such a row is written before the shard
gets its rows, and removed when they are merged. If the ledger has the row but the shard is missing, the ledger lacks
what the shard paid for."""

Upgrade = Callable[[sqlite3.Connection, int, str, str], object]
"""Upgrades an older ledger. The arguments are its connection, its version, the workflow's slug and the input's name."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition in which a ledger was opened."""

    id: str
    """The ledger's id. Copies have the same id."""
    commits: int
    """The number of transactions so far."""
    is_new: bool
    """Whether the ledger was just created."""
    lost_wal: bool
    """Whether the latest run didn't close the ledger, and its WAL is missing. Either another program merged the WAL
    into the ledger, or the WAL is lost."""
    lost_shards: tuple[str, ...] = ()
    """The files of shards that an interrupted run left beside the ledger, and that are missing."""


def create_or_open(
    path: Path,
    slug: str,
    input_name: str,
    out: Path | None,
    *,
    alone: bool,
    may_create: Callable[[], object],
    upgrade: Upgrade,
) -> tuple[Connection, Condition]:
    """Opens a ledger for a run. Creates a missing one. The caller must hold the ledger's lock.

    Args:
        path: The file.
        slug: The run's workflow.
        input_name: The wire name of the parameter that takes the input.
        out: The run's output folder, recorded if the ledger has none yet; None records nothing.
        alone: Whether no other process reads the ledger, so that the file may be on a network file system.
        may_create: Called before a new ledger is created. Raises an error to prevent that.
        upgrade: Upgrades a ledger of an older version.

    Raises:
        LedgerError: the file isn't a ledger, is damaged, or belongs to another program.
    """
    is_new = not os.path.lexists(path)
    if is_new:
        may_create()
    try:
        if is_new:
            is_new = _create(path, slug, input_name)
        _check_file(path)
        had_wal = has_wal(path)
        connection = connect(path)
    except OSError as error:
        raise LedgerError(f"the ledger {str(path)!r} can't be opened: {error}") from None
    try:
        if alone:
            # Before the first access, so that WAL mode needs no shared memory, which network file systems don't
            # support.
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
        return connection, _condition(connection, path, is_new=is_new, had_wal=had_wal)
    except BaseException:
        connection.close()
        raise


def _create(path: Path, slug: str, input_name: str) -> bool:
    """Creates a new ledger in one step; False if another process created it first."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}~")
    # Readable only by its owner, because it will contain signed URLs.
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with closing(connect(part, path)) as connection:
            _make_durable(connection)
            connection.executescript(
                f"BEGIN IMMEDIATE; {tables(', '.join(COLUMNS))} PRAGMA application_id = {_APPLICATION}"
            )
            values = {"workflow": slug, "input": input_name, "id": uuid.uuid4().hex, "commits": "0"}
            connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        try:
            os.link(part, path)  # unlike a rename, a link never replaces a file
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            patiently(lambda: part.rename(path))
    finally:
        unlink(part)
    return True


def _condition(connection: sqlite3.Connection, path: Path, *, is_new: bool, had_wal: bool) -> Condition:
    lost_wal = meta(connection, IN_USE) is not None and not had_wal
    commits = int(meta(connection, "commits") or 0)
    given: list[tuple[str]] = connection.execute(
        "SELECT name FROM meta WHERE name GLOB ?", [f"{GIVEN_TO}*"]
    ).fetchall()
    shards = [name.removeprefix(GIVEN_TO) for (name,) in given]
    there = {each.name for each in shard_files(path)} if shards else ()
    lost_shards = tuple(each for each in shards if each not in there)
    return Condition(meta(connection, "id") or "", commits, is_new, lost_wal, lost_shards)


def _make_durable(connection: sqlite3.Connection) -> None:
    """Makes every commit survive a power cut. On macOS this needs more than `fsync`; see `_files.fsync`.

    Also overwrites what is removed, such as signed URLs.
    """
    for name in ("fullfsync", "checkpoint_fullfsync", "secure_delete"):
        connection.execute(f"PRAGMA {name} = ON")
    connection.execute("PRAGMA synchronous = FULL")


def inspect(path: Path) -> Condition:
    """The condition in which a run would open a ledger. Changes nothing.

    Raises:
        LedgerError: the ledger can't be read.
    """
    had_wal = has_wal(path)
    with closing(open_to_read(path)) as connection:
        return _condition(connection, path, is_new=False, had_wal=had_wal)


def _check_file(path: Path) -> None:
    """Checks that the file isn't empty and has only one name. SQLite itself detects a truncated file.

    Raises:
        LedgerError: the file is empty, isn't a regular one, or has several names (hard links).
    """
    # Never open the file here: closing it would drop all locks that SQLite holds on it in this process.
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise LedgerError(
            f"the ledger {str(path)!r} is {kind(status.st_mode)}: name a file, which need not exist"
        )
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


def open_to_read(path: Path) -> Connection:
    """Opens a ledger read-only, also while a run uses it.

    Raises:
        LedgerError: the ledger doesn't exist, or can't be read.
    """
    if path.exists() and not path.is_file():
        _check_file(path)
    if not path.is_file():
        raise LedgerError(f"there is no ledger {str(path)!r}: a run creates it in its output folder")
    if not path.stat().st_size:
        raise LedgerError(f"the ledger {str(path)!r} is empty: restore a copy of it")
    connection = connect(path)
    try:
        version = _checked_version(connection, path)
        if version < WITH_LENGTHS:
            run = ", NULL AS run" if version < WITH_ATTEMPTS else ""
            connection.execute(
                f"CREATE TEMP VIEW tracks AS SELECT rowid AS rowid, *{run}, NULL AS audio_ms FROM main.tracks"  # noqa: S608
            )
        if WITH_ATTEMPTS <= version < WITH_LENGTHS:
            connection.execute(
                "CREATE TEMP VIEW job_attempts AS SELECT *, NULL AS audio_ms FROM main.job_attempts"
            )
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
    except BaseException:
        connection.close()
        raise
    return connection


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The ledger's version. Raises an error unless the file is a ledger that this version of the package supports."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    count: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not (application or count or version):
        raise LedgerError(
            f"the ledger {str(path)!r} has no content: it was cut short, or its WAL, {path.name + '-wal'!r}, which held the"
            " content, was left behind or removed. Restore both files; or remove this one and begin a new ledger"
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
