"""Pieces of SQL statements, and fast reading of many rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

_MOST = 400
"""The most values in one `IN (…)`. Older builds of SQLite allow 999 in a statement."""


def marks(values: Collection[object]) -> str:
    """A question mark for each value: `?, ?, ?`."""
    return ", ".join("?" * len(values))


def chunked(values: Sequence[T]) -> Iterator[tuple[str, Sequence[T]]]:
    """Splits values into parts that fit into one `IN (…)`. Yields each part with its question marks."""
    for start in range(0, len(values), _MOST):
        part = values[start : start + _MOST]
        yield marks(part), part


def rows_in_json(db: sqlite3.Connection, statement: str, values: Sequence[Any]) -> list[list[Any]]:
    """The rows of a statement that selects all of them as one `json_group_array(json_array(…))`.

    Python releases the GIL for every row that SQLite returns. While another thread walks a folder, a hundred thousand
    separate rows would take a second longer.
    """
    rows: list[list[Any]] = json.loads(db.execute(statement, values).fetchone()[0])
    return rows
