"""Queries for runs, plans and readers of a ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from musicai_sdk.batch.ledger.sql import chunked, rows_in_json
from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.results.output import OutputRecord


def meta(db: sqlite3.Connection, name: str) -> str | None:
    """The value that the ledger stores under a name, such as `workflow` or `out`; None if there is none."""
    row: tuple[str] | None = db.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchone()
    return row[0] if row is not None else None


def state_counts(db: sqlite3.Connection) -> dict[State, int]:
    """The number of tracks in each state."""
    return dict(db.execute("SELECT state, count(*) FROM tracks GROUP BY state").fetchall())


def outputs_of(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, list[OutputRecord]]:
    """The recorded files of tracks, by key; an empty list for a track without any."""
    found: dict[str, list[OutputRecord]] = {key: [] for key in keys}
    for places, part in chunked(list(found)):
        rows = db.execute(
            f"SELECT track, name, path, size, sha256 FROM outputs WHERE track IN ({places})",  # noqa: S608
            part,
        )
        for track, *output in rows.fetchall():
            if (
                track in found
            ):  # always, unless the ledger is damaged: then `Ledger.check` says so before anything is paid
                found[track].append(OutputRecord(*output))
    return found


def stored_files_of(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """The path and size of the recorded files of tracks, by key; an empty list for a track without any.

    A run looks these up for every finished track, so this does less than `outputs_of`.
    """
    found: dict[str, list[tuple[str, int]]] = {key: [] for key in keys}
    for places, part in chunked(keys):
        statement = (
            f"SELECT json_group_array(json_array(track, path, size)) FROM outputs WHERE track IN ({places})"  # noqa: S608
        )
        for track, path, size in rows_in_json(db, statement, part):
            if track in found:  # see `outputs_of`
                found[track].append((path, size))
    return found
