"""SQLite connections to ledgers: errors of the file become `LedgerError`, and damage is found before a run pays."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, NoReturn, Self, cast

from typing_extensions import override

from musicai_sdk.batch.errors import LedgerError

_BUSY = 30.0
"""Seconds that a reader or writer waits for another reader or writer."""
_OF_THE_VALUES = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""SQLite's errors about a statement's values. All other errors are about the file."""


class LedgerFileError(LedgerError):
    """SQLite can't read or write the ledger's file."""


class Connection(sqlite3.Connection):
    """A connection to a ledger. Raises `LedgerFileError` in place of SQLite's errors about the file."""

    path: Path
    """The ledger's file."""

    @override
    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(_Cursor)

    @override
    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return _Cursor(self).execute(*arguments)

    @override
    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        return _Cursor(self).executemany(*arguments)

    @override
    def executescript(self, *arguments: Any) -> sqlite3.Cursor:
        return _Cursor(self).executescript(*arguments)

    def check(self) -> None:
        """Reads the whole file, and compares the indexes with their tables.

        A torn copy or a faulty disk can hide rows, and a run would pay again for what they record. That SQLite reads the
        other rows without an error proves nothing.

        Raises:
            LedgerFileError: the file is damaged.
        """
        found: str = self.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            _fail(self, found.strip().splitlines()[-1])


class _Cursor(sqlite3.Cursor):
    """The cursor of a `Connection`. It reads rows when they are fetched, so fetching may fail too."""

    @override
    def execute(self, statement: str, values: Any = (), /) -> Self:
        try:
            return super().execute(statement, values)
        except sqlite3.Error as error:
            _translate(self, error)

    @override
    def executemany(self, statement: str, values: Any, /) -> Self:
        try:
            return super().executemany(statement, values)
        except sqlite3.Error as error:
            _translate(self, error)

    @override
    def executescript(self, script: str, /) -> sqlite3.Cursor:
        try:
            return super().executescript(script)
        except sqlite3.Error as error:
            _translate(self, error)

    @override
    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.Error as error:
            _translate(self, error)

    @override
    def fetchmany(self, size: int | None = 1) -> list[Any]:
        try:
            return super().fetchmany(size)
        except sqlite3.Error as error:
            _translate(self, error)

    @override
    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.Error as error:
            _translate(self, error)

    @override
    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.Error as error:
            _translate(self, error)


def connect(path: Path, named: Path | None = None) -> Connection:
    """Opens a database, for use in any thread, one at a time.

    Args:
        path: The file.
        named: The file to name in errors, if it is another one.

    Raises:
        LedgerFileError: the file can't be opened.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=_BUSY, isolation_level=None, check_same_thread=False, factory=Connection
        )
    except sqlite3.Error as error:
        raise LedgerFileError(f"the ledger {str(named or path)!r} can't be opened: {error}") from error
    connection.path = named or path
    return connection


def _translate(cursor: _Cursor, error: sqlite3.Error) -> NoReturn:
    if isinstance(error, _OF_THE_VALUES):
        raise error
    connection = cast("Connection", cursor.connection)
    if not isinstance(error, sqlite3.OperationalError):
        _fail(connection, str(error), error)
    raise LedgerFileError(f"the ledger {str(connection.path)!r} can't be used: {error}") from error


def _fail(connection: Connection, what: str, cause: Exception | None = None) -> NoReturn:
    raise LedgerFileError(
        f"the ledger {str(connection.path)!r} is damaged ({what}): its record of paid jobs isn't complete, and a run could"
        " pay for them again. Restore a copy of it"
    ) from cause
