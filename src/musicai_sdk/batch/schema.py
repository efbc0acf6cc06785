"""The ledger's file: its tables, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
import uuid
from dataclasses import fields
from pathlib import Path

from musicai_sdk.batch.errors import LedgerError, LedgerMismatchError, LedgerVersionError
from musicai_sdk.batch.folders import settle_all
from musicai_sdk.batch.former import mark_former
from musicai_sdk.batch.naming import folded
from musicai_sdk.batch.tracks import Track

VERSION = 2
"""The version of the tables, in the file's `user_version`. 1 had no `folders`."""
_APPLICATION = 0x4D534149  # "MSAI": what tells a ledger from any other database
BUSY = 30.0
"""How long a reader or writer waits for the other one, in seconds."""
_CACHE = 32 * 1024
"""KiB of the file that are kept in memory; with the 2 MiB of the default a resume takes a third longer."""

TRACK_COLUMNS = ", ".join(each.name for each in fields(Track))
"""The columns of `tracks` in the order of the fields of `Track`."""

_FOLDERS = """
-- Which track's results a folder has: a folder is never another track's, also when an input gets a new content.
CREATE TABLE folders (folded TEXT PRIMARY KEY, track TEXT NOT NULL) WITHOUT ROWID;
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
"""


def create_or_open(
    path: Path, slug: str, input_name: str, out: Path | None, *, alone: bool
) -> sqlite3.Connection:
    """Opens a ledger for a run, and makes it if it isn't there. The caller holds its lock.

    Args:
        path: The file.
        slug: The run's workflow.
        input_name: The wire name of the parameter that takes the track.
        out: The run's output folder, written down unless one is known; None leaves that open.
        alone: No reader looks in meanwhile, so the file may be on a network file system.

    Raises:
        LedgerError: it isn't a ledger, is damaged, or belongs to something else.
    """
    try:
        # Holds signed URLs: nobody else's business.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"the ledger {str(path)!r} can't be opened: {error}") from None
    try:
        if alone:
            # Before the first access: WAL then needs no shared memory, which network file systems don't have.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        connection.create_function("folded", 1, folded, deterministic=True)
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {_APPLICATION}")
        else:
            check_owner(connection, path, slug, input_name)
        if 0 < version < VERSION:
            connection.executescript(f"BEGIN IMMEDIATE; {_FOLDERS}")
            settle_all(connection)
        if version < VERSION:
            # With the tables, or not at all: a ledger whose process was killed here would be nobody's for ever.
            known = {"workflow": slug, "input": input_name, "id": uuid.uuid4().hex}
            connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", known.items())
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        if out is not None:
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('out', ?)", [seen_from(path, out)])
        mark_former(connection, new=version == 0)
    except sqlite3.Error as error:
        connection.close()
        raise LedgerError(f"the ledger {str(path)!r} can't be used: {error}") from None
    except BaseException:
        connection.close()
        raise
    return connection


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
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            _check(connection, path, must_exist=True)
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger {str(path)!r} can't be read: {error}") from None
    return connection


def _check(connection: sqlite3.Connection, path: Path, *, must_exist: bool = False) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != _APPLICATION and (tables or version or must_exist):
        raise LedgerError(f"{str(path)!r} is a database of something else, not a ledger")
    if version > VERSION:
        raise LedgerVersionError(
            f"the ledger {str(path)!r} has version {version}, and this musicai-sdk knows up to {VERSION}: update it"
        )


def check_owner(connection: sqlite3.Connection, path: Path, slug: str, input_name: str) -> None:
    """Raises `LedgerMismatchError` if the ledger is another workflow's."""
    own: dict[str, str] = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if (own.get("workflow", slug), own.get("input", input_name)) != (slug, input_name):
        raise LedgerMismatchError(
            f"the ledger {str(path)!r} belongs to {own['workflow']} ({own['input']}), not to {slug} ({input_name}):"
            " give every workflow a ledger and an output folder of its own"
        )
