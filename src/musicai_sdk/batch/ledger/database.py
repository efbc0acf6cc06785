"""The ledger's file: its tables, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

from musicai_sdk._files import patiently, unlink
from musicai_sdk.batch.errors import LedgerError, LedgerMismatchError, LedgerVersionError
from musicai_sdk.batch.inputs.former_identity import mark_former
from musicai_sdk.batch.ledger.attempts import TABLES as ATTEMPTS
from musicai_sdk.batch.ledger.attempts import take_over
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.results.folder_names import folded
from musicai_sdk.batch.results.folders import settle_all

VERSION = 3
"""The version of the tables, in the file's `user_version`. 1 had no `folders`, 2 no `job_attempts`."""
_WITH_FOLDERS = 2
"""The version since which folders have owners."""
_WITH_RUNS = 3
"""The version since which tracks have a run, and attempts are written down."""
_APPLICATION = 0x4D534149  # "MSAI": what tells a ledger from any other database
BUSY = 30.0
"""How long a reader or writer waits for the other one, in seconds."""
_CACHE = 32 * 1024
"""KiB of the file that are kept in memory; with the 2 MiB of the default a resume takes a third longer."""

IN_USE = "in_use"
"""The entry of `meta` with the run that has the ledger open. It is in the file itself as soon as a run has begun, and goes
when that is closed: with it, and without the file beside it that has the latest changes, something is missing."""
TRACK_COLUMNS = ", ".join(each.name for each in fields(Track))
"""The columns of `tracks` in the order of the fields of `Track`."""

_FOLDERS = """
-- Which track's results a folder has: a folder is never another track's, also when an input gets a new content.
CREATE TABLE folders (folded TEXT PRIMARY KEY, track TEXT NOT NULL) WITHOUT ROWID;
"""
_RUNS = """
-- Who has had this ledger open, and when each last said that it is alive.
CREATE TABLE runs (
    id TEXT PRIMARY KEY, process TEXT NOT NULL, began_at REAL NOT NULL, beat_at REAL NOT NULL, ended_at REAL
) WITHOUT ROWID;
"""
_TABLES = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tracks ({TRACK_COLUMNS}, PRIMARY KEY (key));
CREATE INDEX tracks_by_state ON tracks (state);
CREATE INDEX tracks_by_sample ON tracks (sample);
-- A path or URL with its parameters. size and mtime_ns say whether its content is still the known one.
CREATE TABLE inputs (
    source TEXT NOT NULL, params TEXT NOT NULL, url TEXT, folder TEXT NOT NULL, folded TEXT NOT NULL UNIQUE,
    size INTEGER, mtime_ns INTEGER, content TEXT, sample TEXT, track TEXT, PRIMARY KEY (source, params)
) WITHOUT ROWID;
CREATE INDEX inputs_by_track ON inputs (track);
CREATE TABLE outputs (
    track TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT,
    PRIMARY KEY (track, name)
) WITHOUT ROWID;
-- Inputs of the latest run that couldn't be processed at all.
CREATE TABLE rejected (source TEXT NOT NULL, reason TEXT NOT NULL);
-- Of a shard only: what it is to work on.
CREATE TABLE queue (source TEXT NOT NULL, params TEXT NOT NULL, url TEXT, folder TEXT NOT NULL);
{_FOLDERS}
{_RUNS}
{ATTEMPTS}
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """How a ledger was found when it was opened."""

    id: str
    """What tells it from all other ledgers; copies have it too."""
    commits: int
    """How many transactions it has had."""
    is_new: bool
    """Whether it was made just now."""
    lost_wal: bool
    """Whether the last run on it wasn't closed, and the file with its latest changes isn't there. They may have been
    brought into the ledger by another program, or be lost."""


def create_or_open(
    path: Path, slug: str, input_name: str, out: Path | None, *, alone: bool, may_begin: Callable[[], object]
) -> tuple[sqlite3.Connection, Opened]:
    """Opens a ledger for a run, and makes it if it isn't there. The caller holds its lock.

    Args:
        path: The file.
        slug: The run's workflow.
        input_name: The wire name of the parameter that takes the track.
        out: The run's output folder, written down unless one is known; None leaves that open.
        alone: No reader looks in meanwhile, so the file may be on a network file system.
        may_begin: Called before a new ledger is made; raises if it may not be.

    Raises:
        LedgerError: it isn't a ledger, is damaged, or belongs to something else.
    """
    is_new = not os.path.lexists(path)
    if is_new:
        may_begin()
    try:
        if is_new:
            is_new = _create(path, slug, input_name)
        _check_file(path)
        had_wal = _size(path.with_name(path.name + "-wal")) > 0
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"the ledger {str(path)!r} can't be opened: {error}") from None
    try:
        if alone:
            # Before the first access: WAL then needs no shared memory, which network file systems don't have.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        version = _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        _make_durable(connection)
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        connection.create_function("folded", 1, folded, deterministic=True)
        check_owner(connection, path, slug, input_name)
        if version < VERSION:
            _upgrade(connection, version, slug, input_name)
        if out is not None:
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('out', ?)", [seen_from(path, out)])
        mark_former(connection, new=is_new)
        return connection, _opened(connection, is_new=is_new, had_wal=had_wal)
    except sqlite3.Error as error:
        connection.close()
        raise LedgerError(f"the ledger {str(path)!r} can't be used: {error}") from None
    except BaseException:
        connection.close()
        raise


def _create(path: Path, slug: str, input_name: str) -> bool:
    """Makes a new ledger, whole under its name or not at all; False if another process has made one meanwhile."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}~")
    # Holds signed URLs: nobody else's business.
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            _make_durable(connection)
            connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {_APPLICATION}")
            known = {"workflow": slug, "input": input_name, "id": uuid.uuid4().hex, "commits": "0"}
            connection.executemany("INSERT INTO meta VALUES (?, ?)", known.items())
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


def _make_durable(connection: sqlite3.Connection) -> None:
    """Has every commit survive a power cut. On macOS that takes more than `fsync`; see `_files.fsync`."""
    for name, value in (("synchronous", "FULL"), ("fullfsync", "ON"), ("checkpoint_fullfsync", "ON")):
        connection.execute(f"PRAGMA {name} = {value}")


def _upgrade(connection: sqlite3.Connection, version: int, slug: str, input_name: str) -> None:
    """Brings a ledger of an older version up to date, at once or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    if version < _WITH_FOLDERS:
        _execute_all(connection, _FOLDERS)
        settle_all(connection)
    connection.execute("ALTER TABLE tracks ADD COLUMN run")
    _execute_all(connection, _RUNS + ATTEMPTS)
    take_over(connection)
    known = {"workflow": slug, "input": input_name, "id": uuid.uuid4().hex, "commits": "0"}
    connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", known.items())
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _execute_all(connection: sqlite3.Connection, script: str) -> None:
    """Runs statements within the transaction that is open; `executescript` would commit it first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _opened(connection: sqlite3.Connection, *, is_new: bool, had_wal: bool) -> Opened:
    known: dict[str, str] = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    return Opened(
        id=known.get("id", ""),
        commits=int(known.get("commits", 0)),
        is_new=is_new,
        lost_wal=IN_USE in known and not had_wal,
    )


def found(path: Path) -> Opened:
    """How a ledger would be found by a run, without changing anything.

    Raises:
        LedgerError: it can't be read.
    """
    had_wal = _size(path.with_name(path.name + "-wal")) > 0
    with closing(open_to_read(path)) as connection:
        return _opened(connection, is_new=False, had_wal=had_wal)


def _check_file(path: Path) -> None:
    """Checks that a file can be a ledger, under one name. SQLite itself notices one that was cut off.

    Raises:
        LedgerError: it can't.
    """
    # Without opening it: closing a file again drops all locks that SQLite has on it in this process.
    status = path.stat()
    if not status.st_size:
        raise LedgerError(
            f"the ledger {str(path)!r} is empty: what it said of jobs that are paid for is lost. Put a copy in place; or"
            " remove it and begin a new one"
        )
    if status.st_nlink > 1:
        raise LedgerError(
            f"the ledger {str(path)!r} has {status.st_nlink} names (hard links), and a run under another one would pay for"
            " the same tracks: keep one of them, or make this one a file of its own by copying it"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def real_file(path: Path) -> Path:
    """The ledger's own file behind a symbolic link: one file has one lock, one folder of shards, one output folder.

    The folders above it stay as they are named: on another machine they may lead somewhere else.
    """
    return path.resolve() if path.is_symlink() else path


def file_id(path: Path) -> tuple[int, int] | None:
    """What tells the file from another one that gets its name: device and inode. None if there is no file.

    The inode is 0 where the file system has none, or doesn't answer.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def seen_from(path: Path, other: Path) -> str:
    """A path as seen from the folder that a file is in, so that both can be moved together."""
    try:
        return os.path.relpath(other.absolute(), path.absolute().parent)
    except ValueError:  # another drive
        return str(other.absolute())


def found_from(path: Path, seen: str) -> Path:
    """The path that `seen_from` wrote down."""
    return Path(os.path.normpath(path.absolute().parent / seen))


def open_to_read(path: Path) -> sqlite3.Connection:
    """Opens a ledger to look into it, also beside a run.

    Raises:
        LedgerError: there is none, or it can't be read.
    """
    if not path.is_file():
        raise LedgerError(f"there is no ledger {str(path)!r}")
    try:
        if not path.stat().st_size:
            raise LedgerError(f"the ledger {str(path)!r} is empty")
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            if _check(connection, path) < _WITH_RUNS:
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


def with_attempts(connection: sqlite3.Connection) -> None:
    """Lets a connection that only reads find attempts in a ledger of an older version too, as an upgrade makes them."""
    known = connection.execute(
        "SELECT count(*) FROM (SELECT name FROM sqlite_schema UNION SELECT name FROM sqlite_temp_schema)"
        " WHERE name = 'job_attempts'"
    ).fetchone()[0]
    if not known:
        connection.execute("PRAGMA query_only = OFF")
        connection.executescript(ATTEMPTS.replace("CREATE TABLE", "CREATE TEMP TABLE"))
        take_over(connection)
        connection.execute("PRAGMA query_only = ON")


def _check(connection: sqlite3.Connection, path: Path) -> int:
    """Checks that a database is a ledger that this version knows; returns its version."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not (application or tables or version):
        raise LedgerError(
            f"the ledger {str(path)!r} has nothing in it: {path.name + '-wal'!r}, where its contents were, has been left"
            " behind or removed. Put both files in place as they were; or remove it and begin a new one"
        )
    if application != _APPLICATION or not version:
        raise LedgerError(f"{str(path)!r} is a database of something else, not a ledger")
    if version > VERSION:
        raise LedgerVersionError(
            f"the ledger {str(path)!r} has version {version}, and this musicai-sdk knows up to {VERSION}: update it"
        )
    return version


def check_owner(connection: sqlite3.Connection, path: Path, slug: str, input_name: str) -> None:
    """Raises `LedgerMismatchError` if the ledger is another workflow's."""
    own: dict[str, str] = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if (own.get("workflow", slug), own.get("input", input_name)) != (slug, input_name):
        raise LedgerMismatchError(
            f"the ledger {str(path)!r} belongs to {own['workflow']} ({own['input']}), not to {slug} ({input_name}):"
            " give every workflow a ledger and an output folder of its own"
        )
