"""Inputs in the ledger: the records of earlier runs about them, the folder that each input claims, and its track."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from musicai_sdk.batch.inputs.kinds import name_of
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.legacy_identity import is_legacy_input
from musicai_sdk.batch.ledger.sql import chunked, marks, rows_in_json
from musicai_sdk.batch.ledger.states import JOBLESS, SAFE
from musicai_sdk.batch.ledger.track import COLUMNS, Track, track_key
from musicai_sdk.batch.results.folder_names import folded, numbered, safe_folder, with_suffix
from musicai_sdk.batch.results.folders import Fits, assign_folder

_NUMBERS = 20
"""The most numbered folder names to try before a digest makes the name unique."""
_LOOKUP = """SELECT json_group_array(json_array(inputs.source, inputs.params, inputs.folder, inputs.size, mtime_ns,
    inputs.content, inputs.sample, track, state)) FROM inputs LEFT JOIN tracks ON tracks.key = inputs.track"""
_Known: TypeAlias = list[Any]
"""An input as the ledger knows it: a row of `_LOOKUP`."""


def recall(db: sqlite3.Connection, items: Sequence[InputRow]) -> list[InputRow]:
    """Fills in what earlier runs recorded about inputs. Writes nothing.

    Returns:
        The inputs that are new to the ledger.
    """
    known = dict[tuple[str, str], _Known]()
    for item in items:
        _recall_legacy(db, item)
    for places, sources in chunked([item.source for item in items]):
        rows = rows_in_json(db, f"{_LOOKUP} WHERE inputs.source IN ({places})", sources)
        known.update(((row[0], row[1]), row) for row in rows)
    new = list[InputRow]()
    for item in items:
        found = known.get((item.source, item.params))
        if found is None:
            new.append(item)
            continue
        _, _, item.name, size, mtime_ns, content, sample, key, state = found
        if size == item.size and mtime_ns == item.mtime_ns:
            item.content, item.sample = content or item.content, sample
            item.key, item.state = key, state
    if new:
        _recall_contents(known.values(), new)
    return new


def _recall_contents(known: Iterable[_Known], items: Iterable[InputRow]) -> None:
    """Fills in the contents of unchanged files that the ledger knows with other parameters."""
    contents = dict[tuple[str, int | None, int | None], tuple[str, str | None]]()
    for source, _, _, size, mtime_ns, content, sample, *_ in known:
        if None not in (size, mtime_ns, content):
            contents[source, size, mtime_ns] = content, sample
    for item in items:
        if found := contents.get((item.source, item.size, item.mtime_ns)):
            item.content, item.sample = found


def admit(db: sqlite3.Connection, items: Sequence[InputRow]) -> None:
    """Fills in what earlier runs recorded about inputs, and claims a folder for each new input."""
    claimed = dict[tuple[str, str], str]()
    for item in recall(db, items):
        # The same input may occur twice.
        if (name := claimed.get((item.source, item.params))) is not None:
            item.name = name
        else:
            claimed[item.source, item.params] = item.name = _claim_folder(db, item)


def _recall_legacy(db: sqlite3.Connection, item: InputRow) -> None:
    """Identifies an input as version 2.0.0 did, if the ledger has a track for it from that version."""
    if item.legacy_source is not None and is_legacy_input(db, item.legacy_source, item.params):
        item.source, item.content = item.legacy_source, f"url:{item.legacy_source}"
    item.legacy_source = None


def register(
    db: sqlite3.Connection, item: InputRow, track: Track | None, key: str, fits: Fits
) -> tuple[Track, bool]:
    """Connects an input, whose content and sample must be known, with its track. Creates the track if necessary.

    Returns:
        The track, and whether it is new.
    """
    db.execute(
        "UPDATE inputs SET size = ?, mtime_ns = ?, content = ?, sample = ?, track = ?"
        " WHERE source = ? AND params = ?",
        (item.size, item.mtime_ns, item.content, item.sample, key, item.source, item.params),
    )
    if track is not None:
        if (track.resume_at if track.state == "failed" else track.state) in JOBLESS:
            track.source = item.source  # the path that exists now
        if track.is_url and track.state not in SAFE:
            track.url = item.url
        track.audio_ms = item.audio_ms or track.audio_ms
        db.execute(
            "UPDATE tracks SET source = ?, url = ?, audio_ms = ? WHERE key = ?",
            [track.source, track.url, track.audio_ms, key],
        )
        return track, False
    track = Track(
        key=key,
        state="uploaded" if item.url else "seen",
        source=item.source,
        content=item.content or "",
        params=item.params,
        folder=assign_folder(db, item.name, key, fits),
        sample=item.sample or "",
        size=item.size,
        url=item.url,
        seen_at=time.time(),
        audio_ms=item.audio_ms,
    )
    db.execute(
        f"INSERT INTO tracks ({', '.join(COLUMNS)}) VALUES ({marks(COLUMNS)})",  # noqa: S608
        [getattr(track, name) for name in COLUMNS],
    )
    return track, True


def _claim_folder(db: sqlite3.Connection, item: InputRow) -> str:
    """Claims a folder for an input: the requested name made safe, with a number if another input has that folder."""
    wish, number = safe_folder(item.name or name_of(item.source)), 1
    while True:
        folder = numbered(wish, number)
        if number > _NUMBERS:  # a collection in which every file has the same name
            folder = with_suffix(wish, track_key(item.source, "", "", item.params))
        done = db.execute(
            "INSERT INTO inputs (source, params, folder, folded) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (folded) DO NOTHING",
            (item.source, item.params, folder, folded(folder)),
        )
        if done.rowcount:
            return folder
        number += 1
