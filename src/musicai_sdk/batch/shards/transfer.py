"""The ledgers of shards: their files, and the rows copied between them and the main ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from musicai_sdk.batch.budget import Budget
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.database import BEGAN_AT, GIVEN_TO
from musicai_sdk.batch.ledger.files import shard_files, shard_folder
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.sql import chunked, marks
from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.results.folder_names import folded
from musicai_sdk.batch.results.folders import Fits, always, separate_tracks

PATIENCE = 60.0
"""Seconds to wait for a shard's ledger, whose worker may be about to end."""
DRAIN = "drain"
"""The file beside the shards that asks all of them to drain."""
_ROWS = 1000


def open_shard(
    path: Path,
    slug: str,
    input_name: str,
    *,
    fits: Fits = always,
    run: str = "",
    budget: Budget | None = None,
) -> Ledger:
    """Opens a shard's ledger. Never creates a missing one: an empty one would look finished."""
    if not path.is_file():
        raise LedgerError(
            f"there is no ledger {str(path)!r}: shards need a disk that the workers share with the process that began the"
            " run"
        )
    return Ledger(path, slug, input_name, alone=True, patience=PATIENCE, fits=fits, run=run, budget=budget)


def remove_shard(path: Path) -> None:
    """Removes a shard's ledger and the files beside it, the ledger last."""
    for each in sorted(path.parent.glob(f"{path.name}*"), reverse=True):
        if each != path:
            each.unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def queue(shard: Ledger, main: Ledger, items: Sequence[InputRow], tracks: Iterable[Track]) -> None:
    """Copies inputs and tracks to a shard, with everything that the main ledger knows about them."""
    main.check()
    with shard.transaction() as to, main.transaction() as source:
        # The main ledger is committed first, so it never lacks the mark of a shard that may pay.
        mark = GIVEN_TO + shard.path.name
        source.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [mark, shard.condition.id])
        to.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [BEGAN_AT, str(main.began_at())])
        to.executemany(
            "INSERT INTO queue VALUES (?, ?, ?, ?, ?)",
            [(each.source, each.params, each.url, each.name, each.audio_ms) for each in items],
        )
        for places, part in chunked(_unique(each.source for each in items)):
            _copy(source, to, "inputs", f"source IN ({places})", part)
        for places, part in chunked(_unique(folded(each.name) for each in items)):
            # Copy only the owners of folders: their tracks may be in another shard, which has newer rows.
            _copy(source, to, "folders", f"folded IN ({places})", part)
        keys = [track.key for track in tracks]
        for places, part in chunked(_unique(each.sample for each in items if each.sample is not None)):
            # A file under another name may be a known track.
            found = source.execute(f"SELECT key FROM tracks WHERE sample IN ({places})", part)  # noqa: S608
            keys += [row[0] for row in found]
        for places, part in chunked(_unique(keys)):
            _copy(source, to, "tracks", f"key IN ({places})", part)
            _release(to, places, part)
            _copy(source, to, "job_attempts", f"track IN ({places})", part)
            _copy(source, to, "outputs", f"track IN ({places})", part)


def queued(shard: Ledger) -> list[InputRow]:
    """The inputs of a shard."""
    with shard.transaction() as db:
        rows = db.execute("SELECT source, params, folder, url, audio_ms FROM queue ORDER BY rowid").fetchall()
    return [
        InputRow(source, params, name, url, audio_ms=length) for source, params, name, url, length in rows
    ]


def merge(shard: Ledger, main: Ledger) -> None:
    """Copies a shard's rows to the main ledger. They are newer: no other process had the shard's tracks."""
    shard.check()
    main.check()
    with shard.transaction() as source, main.transaction() as to:
        to.execute("DELETE FROM meta WHERE name = ?", [GIVEN_TO + shard.path.name])
        for table in ("tracks", "inputs", "rejected", "job_attempts"):
            _copy(source, to, table)
        # A folder keeps its owner. Only a shard of an older version can name another one.
        _copy(source, to, "folders", otherwise="IGNORE")
        to.executemany(
            "DELETE FROM outputs WHERE track = ?",
            source.execute("SELECT DISTINCT track FROM outputs").fetchall(),
        )
        _copy(source, to, "outputs")
        for places, part in chunked([row[0] for row in source.execute("SELECT key FROM tracks")]):
            _release(to, places, part)
            separate_tracks(to, part)


def merge_shard(path: Path, main: Ledger) -> dict[State, int]:
    """Merges a shard into the main ledger and removes it.

    Returns:
        How many tracks it had in each state.

    Raises:
        LedgerLockedError: a worker still holds it after `PATIENCE`.
    """
    shard = open_shard(path, main.slug, main.input_name)
    try:
        merge(shard, main)
        counts = shard.counts()
    finally:
        shard.close()
    remove_shard(path)
    return counts


def merge_all_shards(main: Ledger) -> None:
    """Merges the shards of a crashed run. Workers of that run that are still active are asked to drain.

    Raises:
        LedgerLockedError: one hasn't ended within `PATIENCE`.
    """
    folder = shard_folder(main.path)
    if not folder.exists():
        return
    (folder / DRAIN).touch()
    for path in shard_files(main.path):
        merge_shard(path, main)
    remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Removes the folder of shards that were merged."""
    (folder / DRAIN).unlink(missing_ok=True)
    with suppress(OSError):  # other files are in it
        folder.rmdir()


def _release(db: sqlite3.Connection, places: str, keys: Sequence[str]) -> None:
    """Releases tracks: their run no longer works on them."""
    db.execute(f"UPDATE tracks SET run = NULL WHERE key IN ({places})", keys)  # noqa: S608


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _copy(
    source: sqlite3.Connection,
    to: sqlite3.Connection,
    table: str,
    where: str = "1",
    values: Sequence[Any] = (),
    *,
    otherwise: str = "REPLACE",
) -> None:
    rows = source.execute(f"SELECT * FROM {table} WHERE {where}", values)  # noqa: S608
    places = marks(rows.description)
    while part := rows.fetchmany(_ROWS):
        to.executemany(f"INSERT OR {otherwise} INTO {table} VALUES ({places})", part)  # noqa: S608
