"""The folder of each track: no two tracks share one, and its name leaves room for the results."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from musicai_sdk.batch.ledger.sql import marks
from musicai_sdk.batch.ledger.states import SAFE, TABLE, State, sql, transition
from musicai_sdk.batch.results.folder_names import folded, numbered, shortened, with_suffix
from musicai_sdk.storage import Bucket

_FINAL: tuple[State, ...] = tuple(state for state in SAFE if not TABLE[state].next)
"""States whose job is deleted, so that its results can't be fetched again."""
FOREIGN = ""
"""The owner of a folder whose results aren't those of a track of this ledger. No track has this key."""
_LONGEST_KEY = 1024
"""Bytes of an object's name in S3, Google Cloud Storage and Azure."""
_ROOM = 100 if sys.platform == "win32" else 290
"""Reserved behind a folder's name: for a digest and a number, and for a file's name during its download. A file name
may have 200 bytes; of the 260 characters that Windows allows for a whole path, it gets some 70."""

Fits = Callable[[str], bool]
"""Whether a folder of this name leaves room for results."""


def room_in(out: str | os.PathLike[str], bucket: Bucket | None) -> Fits:
    """Limits folder names to what an output folder or a bucket can take: what can't be stored is never paid for."""
    if bucket is not None:
        in_bucket = _LONGEST_KEY - _ROOM - len(bucket.url.encode())
        return lambda folder: len(folder.encode()) <= in_bucket
    left = _longest_path() - _ROOM - _length(str(Path(out).absolute()))
    return lambda folder: _length(folder) <= left


def always(_folder: str) -> bool:
    """Any name fits."""
    return True


def assign_folder(db: sqlite3.Connection, wish: str, key: str, fits: Fits = always) -> str:
    """Assigns a folder to a track: the requested one, unless another track owns it or it is too long.

    The suffix that makes it unique is the track's key, so shards that don't know each other never use the same folder.
    """
    base = wish if fits(wish) else shortened(wish)
    folder, number = base if base == wish else with_suffix(base, key), 0
    while True:
        name = folded(folder)
        done = db.execute("INSERT INTO folders VALUES (?, ?) ON CONFLICT (folded) DO NOTHING", (name, key))
        if (
            done.rowcount
            or db.execute("SELECT 1 FROM folders WHERE folded = ? AND track = ?", (name, key)).fetchone()
        ):
            return folder
        number += 1
        folder = numbered(with_suffix(base, key), number)


def assign_all_folders(db: sqlite3.Connection) -> None:
    """Gives every track of an older ledger, in which tracks could share folders, one of its own."""
    # The track that wrote there last keeps it: its results are complete.
    db.execute(
        "INSERT OR IGNORE INTO folders SELECT folded(folder), key FROM tracks"  # noqa: S608
        f" ORDER BY state IN {sql(('downloaded', *SAFE))} DESC, downloaded_at DESC, rowid"
    )
    separate_tracks(db)


def separate_tracks(db: sqlite3.Connection, keys: Sequence[str] | None = None) -> None:
    """Moves tracks out of folders that another track owns.

    Their results there aren't trusted: they are fetched again, to the new folder. A track whose job is deleted stays,
    because its results can't be fetched again.

    Args:
        db: The ledger, in a transaction.
        keys: The tracks to check; all by default.
    """
    among = f" AND key IN ({marks(keys)})" if keys is not None else ""
    guests = db.execute(
        "SELECT key, folder, track FROM tracks JOIN folders ON folded = folded(folder)"  # noqa: S608
        f" WHERE track <> key AND state NOT IN {sql(_FINAL)}{among}",
        keys or (),
    ).fetchall()
    for key, folder, owner in guests:
        # The guest may have overwritten files of the owner, which are verified again before its job is deleted.
        _step_back(db, owner, "verified", "downloaded")
        db.execute("DELETE FROM outputs WHERE track = ?", [key])
        _step_back(db, key, "downloaded", "finished")
        _step_back(db, key, "verified", "finished")
        _step_back(db, key, "downloaded", "finished", column="resume_at")
        db.execute("UPDATE tracks SET folder = ? WHERE key = ?", [assign_folder(db, folder, key), key])


def _step_back(
    db: sqlite3.Connection, key: str, before: State, after: State, *, column: str = "state"
) -> None:
    """Moves a track from a state to an earlier one, if it is in that state."""
    db.execute(
        f"UPDATE tracks SET {column} = ? WHERE key = ? AND {column} = ?",  # noqa: S608 - a name of ours
        [transition(before, after), key, before],
    )


def _longest_path() -> int:
    """The longest path that the system accepts, in its own unit."""
    if sys.platform == "win32":
        longest = 260
    else:
        longest = os.pathconf("/", "PC_PATH_MAX") if "PC_PATH_MAX" in os.pathconf_names else -1
    return (longest if longest > 0 else 4096) - 1


def _length(path: str) -> int:
    return len(path.encode("utf-16-le")) // 2 if sys.platform == "win32" else len(os.fsencode(path))
