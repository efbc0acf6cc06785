"""The state that survives restarts and kills: which request has which job, and how many jobs were created.

The state is an SQLite database in a folder that several servers may share. A server counts each request in a
transaction before sending it. A file lock, which the system releases when its process dies, keeps two servers from
sending the same request.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from musicai_sdk._files import user_folder
from musicai_sdk._locks import close_and_unlink, take
from musicai_sdk.errors import ConfigurationError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    scope TEXT NOT NULL, key TEXT NOT NULL, label TEXT NOT NULL, workflow TEXT NOT NULL,
    sent_at REAL NOT NULL, job_id TEXT, counted INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID
"""
_LOCK_PAUSE = 0.05
_ABANDONED = 24 * 3600.0
"""The age in seconds at which to remove the copy of an input that a killed server left behind."""


@dataclass(frozen=True, slots=True)
class Request:
    """A paid request that was, or may have been, sent."""

    sent_at: float
    """When the request was sent, in seconds since 1970."""
    job_id: str | None
    """The request's job; None while the answer is unknown."""


def default_folder(roots: Sequence[str | os.PathLike[str]]) -> Path:
    """The default state folder of a server with these roots, inside the user's folder for program state."""
    paths = sorted(os.fsdecode(os.path.realpath(root)) for root in roots)
    name = hashlib.sha256("\0".join(paths).encode(errors="surrogateescape")).hexdigest()
    return user_folder("state") / "mcp" / name[:16]


class State:
    """The state in a folder. Creates a missing folder, which only this user can access.

    Raises:
        ConfigurationError: the folder can't be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder
        self.copies: Path = folder / "copies"
        """The folder for copies of inputs during their upload."""
        self._locks = folder / "locks"
        self._database = folder / "requests.sqlite3"
        try:
            for each in (folder, self.copies, self._locks):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
            for copy in self.copies.iterdir():
                with suppress(FileNotFoundError):  # another server has removed it
                    if copy.stat().st_mtime < time.time() - _ABANDONED:
                        copy.unlink()
        except OSError as error:
            raise self._unusable(error) from None
        with self._transaction() as database:
            database.execute(_SCHEMA)
            (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise self._unusable(found)

    def get(self, scope: str, key: str) -> Request | None:
        """Returns the record of a request."""
        with self._transaction() as database:
            row = database.execute(
                "SELECT sent_at, job_id FROM requests WHERE scope = ? AND key = ?", (scope, key)
            ).fetchone()
        return None if row is None else Request(*row)

    def used(self) -> int:
        """The number of created jobs, including requests whose answer is unknown."""
        with self._transaction() as database:
            return _used(database)

    def reserve(self, scope: str, key: str, workflow: str, label: str, max_jobs: int) -> bool:
        """Counts a request once, just before it is sent. Returns False if that would exceed `max_jobs`."""
        with self._transaction() as database:
            known = database.execute(
                "UPDATE requests SET sent_at = ?, counted = 1 WHERE scope = ? AND key = ?",
                (time.time(), scope, key),
            ).rowcount
            if known:
                return True
            if _used(database) >= max_jobs:
                return False
            row = (scope, key, label, workflow, time.time())
            database.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?, NULL, 1)", row)
        return True

    def release(self, scope: str, key: str) -> None:
        """Forgets a request that has certainly created nothing."""
        with self._transaction() as database:
            database.execute(
                "DELETE FROM requests WHERE scope = ? AND key = ? AND job_id IS NULL", (scope, key)
            )

    def record_job(self, scope: str, key: str, workflow: str, label: str, job_id: str) -> None:
        """Records the job of a request.

        If this state has no such request, somebody else created the job, and it doesn't count.
        """
        with self._transaction() as database:
            database.execute(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, 0)"
                " ON CONFLICT (scope, key) DO UPDATE SET job_id = excluded.job_id",
                (scope, key, label, workflow, time.time(), job_id),
            )

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[None]:
        """A block that, for each key, only one task of one process on this machine runs at a time."""
        path = self._locks / key
        while (file := take(path)) is None:  # noqa: ASYNC110 - another process may hold it
            await asyncio.sleep(_LOCK_PAUSE)
        try:
            yield
        finally:
            close_and_unlink(file, path)

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """One short transaction that survives a power cut. Other servers wait for its end.

        Raises:
            ConfigurationError: the state can't be read or written.
        """
        try:
            with closing(sqlite3.connect(self._database, timeout=30, isolation_level=None)) as database:
                database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def _unusable(self, reason: object) -> ConfigurationError:
        return ConfigurationError(
            f"the state folder {str(self.folder)!r} can't be used ({reason}): without it jobs can't be counted. Name"
            " another one with --state"
        )


def _used(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT COUNT(*) FROM requests WHERE counted").fetchone()[0])
