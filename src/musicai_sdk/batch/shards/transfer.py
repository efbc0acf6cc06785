"""Rows between a ledger and the ledgers of its shards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from musicai_sdk.batch.ledger.ledger import InputRow, Ledger
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.results.folder_names import folded
from musicai_sdk.batch.results.folders import separate_tracks

_ROWS = 1000
_MANY = 400


def shard_folder(ledger: Path) -> Path:
    """Where the shards of a ledger are: beside it, so that whoever can reach it can reach them."""
    return ledger.with_name(ledger.name + ".shards")


def shard_files(ledger: Path) -> list[Path]:
    """The ledgers of shards that are there, of this run or left over from one that crashed."""
    return sorted(shard_folder(ledger).glob("*.sqlite3"))


def remove_shard(path: Path) -> None:
    """Removes a shard and what lies beside it."""
    for each in sorted(path.parent.glob(f"{path.name}*"), reverse=True):
        if each != path:
            each.unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def queue(shard: Ledger, main: Ledger, given: Sequence[InputRow], tracks: Iterable[Track]) -> None:
    """Gives a shard what it is to work on, with all that the main ledger knows of it."""
    with shard.transaction() as to, main.transaction() as source:
        to.executemany(
            "INSERT INTO queue VALUES (?, ?, ?, ?)",
            [(each.source, each.params, each.url, each.name) for each in given],
        )
        names = list(dict.fromkeys(each.source for each in given))
        for part in _parts(names):
            _copy(source, to, "inputs", f"source IN ({_marks(part)})", part)
        for part in _parts(list(dict.fromkeys(folded(each.name) for each in given))):
            # Only whose they are: the tracks themselves may be in another shard, which has the newer rows.
            _copy(source, to, "folders", f"folded IN ({_marks(part)})", part)
        keys = [track.key for track in tracks]
        samples = list(dict.fromkeys(each.sample for each in given if each.sample is not None))
        for part in _parts(samples):
            # A file under another name may be a track that is known.
            found = source.execute(f"SELECT key FROM tracks WHERE sample IN ({_marks(part)})", part)  # noqa: S608
            keys += [row[0] for row in found]
        for part in _parts(list(dict.fromkeys(keys))):
            _copy(source, to, "tracks", f"key IN ({_marks(part)})", part)
            # Nobody's yet: the main run has handed them out.
            to.execute(f"UPDATE tracks SET run = NULL WHERE key IN ({_marks(part)})", part)  # noqa: S608
            _copy(source, to, "job_attempts", f"track IN ({_marks(part)})", part)
            _copy(source, to, "outputs", f"track IN ({_marks(part)})", part)


def queued(shard: Ledger) -> list[InputRow]:
    """What a shard is to work on."""
    with shard.transaction() as db:
        rows = db.execute("SELECT source, params, folder, url FROM queue ORDER BY rowid").fetchall()
    return [InputRow(*row) for row in rows]


def merge(shard: Ledger, main: Ledger) -> None:
    """Takes over what a shard has done. While it had a track, nobody else had it: its rows are the newer ones."""
    with shard.transaction() as source, main.transaction() as to:
        for table in ("tracks", "inputs", "rejected", "job_attempts"):
            _copy(source, to, table)
        # A folder stays whose it is. Only a shard of an older version can think that it is another track's.
        _copy(source, to, "folders", otherwise="IGNORE")
        to.executemany(
            "DELETE FROM outputs WHERE track = ?",
            source.execute("SELECT DISTINCT track FROM outputs").fetchall(),
        )
        _copy(source, to, "outputs")
        for part in _parts([row[0] for row in source.execute("SELECT key FROM tracks")]):
            to.execute(f"UPDATE tracks SET run = NULL WHERE key IN ({_marks(part)})", part)  # noqa: S608
            separate_tracks(to, part)


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
    marks = _marks(rows.description)
    while part := rows.fetchmany(_ROWS):
        to.executemany(f"INSERT OR {otherwise} INTO {table} VALUES ({marks})", part)  # noqa: S608


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
