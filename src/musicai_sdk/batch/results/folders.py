"""Whose folder it is: no two tracks share one, and what it is called leaves room for the results in it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from musicai_sdk.batch.ledger.states import SAFE, TABLE, State, sql, transition
from musicai_sdk.batch.results.folder_names import folded, numbered, shortened, with_suffix
from musicai_sdk.storage import Bucket

_GONE: tuple[State, ...] = tuple(state for state in SAFE if not TABLE[state].next)
"""The job is deleted, and nobody can fetch its results again."""
_LONGEST_KEY = 1024
"""Bytes of an object's name in S3, Google Cloud Storage and Azure."""
_ROOM = 100 if sys.platform == "win32" else 290
"""What is kept free for what comes after a folder's name: a digest and a number, and a file's name while it is
downloaded. It may have 200 bytes; of the 260 characters that Windows gives a whole path, it gets some 70."""

Fits = Callable[[str], bool]
"""Whether results can be written to a folder of that name."""


def room_in(out: str | os.PathLike[str], bucket: Bucket | None) -> Fits:
    """How long the names of folders may be in an output folder or a bucket: what can't be kept is never paid for."""
    if bucket is not None:
        in_bucket = _LONGEST_KEY - _ROOM - len(bucket.url.encode())
        return lambda folder: len(folder.encode()) <= in_bucket
    left = _longest_path() - _ROOM - _length(str(Path(out).absolute()))
    return lambda folder: _length(folder) <= left


def always(_folder: str) -> bool:
    """Any name fits."""
    return True


def settle(db: sqlite3.Connection, wish: str, key: str, fits: Fits = always) -> str:
    """A folder of its own for a track: the wish, unless another track has that, or it is too long.

    It is told apart by the track's key, so that shards that don't know of each other don't meet in one.
    """
    base = wish if fits(wish) else shortened(wish)
    folder, number = base if base == wish else with_suffix(base, key), 0
    while True:
        name = folded(folder)
        db.execute("INSERT INTO folders VALUES (?, ?) ON CONFLICT (folded) DO NOTHING", (name, key))
        owner = db.execute("SELECT track FROM folders WHERE folded = ?", [name]).fetchone()[0]
        if owner == key:
            return folder
        number += 1
        folder = numbered(with_suffix(base, key), number)


def settle_all(db: sqlite3.Connection) -> None:
    """Gives every track of an older ledger, in which tracks could share a folder, one of its own."""
    # The one that has written there last has it: its results are the ones that are whole.
    db.execute(
        "INSERT OR IGNORE INTO folders SELECT folded(folder), key FROM tracks"  # noqa: S608
        f" ORDER BY state IN {sql(('downloaded', *SAFE))} DESC, downloaded_at DESC, rowid"
    )
    move_out(db)


def move_out(db: sqlite3.Connection, keys: Sequence[str] | None = None) -> None:
    """Moves tracks out of folders that are another track's.

    What they had there isn't trusted: it is fetched again, to their new folder. A track whose job is deleted stays,
    because nobody can fetch it again.

    Args:
        db: The ledger, in a transaction.
        keys: The tracks that are looked at; all when left out.
    """
    among = f" AND key IN ({', '.join('?' * len(keys))})" if keys is not None else ""
    guests = db.execute(
        "SELECT key, folder, track FROM tracks JOIN folders ON folded = folded(folder)"  # noqa: S608
        f" WHERE track <> key AND state NOT IN {sql(_GONE)}{among}",
        keys or (),
    ).fetchall()
    for key, folder, owner in guests:
        # The guest may have overwritten some of it: read again, and fetched again if so, before its job is deleted.
        _back(db, owner, "verified", "downloaded")
        db.execute("DELETE FROM outputs WHERE track = ?", [key])
        _back(db, key, "downloaded", "finished")
        _back(db, key, "verified", "finished")
        _back(db, key, "downloaded", "finished", column="resume_at")
        db.execute("UPDATE tracks SET folder = ? WHERE key = ?", [settle(db, folder, key), key])


def _back(db: sqlite3.Connection, key: str, before: State, after: State, *, column: str = "state") -> None:
    """Takes a track a step back, if it stands there."""
    db.execute(
        f"UPDATE tracks SET {column} = ? WHERE key = ? AND {column} = ?",  # noqa: S608 - a name of ours
        [transition(before, after), key, before],
    )


def _longest_path() -> int:
    """What the system takes, as it counts."""
    if sys.platform == "win32":
        longest = 260
    else:
        longest = os.pathconf("/", "PC_PATH_MAX") if "PC_PATH_MAX" in os.pathconf_names else -1
    return (longest if longest > 0 else 4096) - 1


def _length(path: str) -> int:
    return len(path.encode("utf-16-le")) // 2 if sys.platform == "win32" else len(os.fsencode(path))
