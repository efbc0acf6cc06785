"""Inputs that version 2.0.0 identified differently: a new run finds what a ledger of that version has paid for.

Version 2.0.0 treated more of a URL as its signature and ignored the fragment. So one of its tracks may stand for several
songs, only one of which was processed; the ledger doesn't say which. They all count as done in that ledger, and nothing is
paid again. A new ledger keeps them apart.
"""

from __future__ import annotations

import sqlite3
import time

_UNTIL = "former_identities_until"
"""The row of `meta` with the time until which tracks may be of version 2.0.0, in seconds since 1970. It is 0 in a ledger
that a later version created, and missing in one that no later version has opened yet."""


def record_cutoff(db: sqlite3.Connection, *, new: bool) -> None:
    """Records, when a later version first opens a ledger, which of its tracks may be of 2.0.0.

    Args:
        db: The ledger.
        new: Whether it was just created.
    """
    if db.execute("SELECT 1 FROM meta WHERE name = ?", [_UNTIL]).fetchone() is None:
        # The clock may have been set back: the tracks that are there count as older in any case.
        latest: float = db.execute("SELECT coalesce(max(seen_at), 0) FROM tracks").fetchone()[0]
        until = 0.0 if new else max(time.time(), latest)
        db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", [_UNTIL, repr(until)])


def is_legacy_input(db: sqlite3.Connection, source: str, params: str) -> bool:
    """Whether the ledger has a track of 2.0.0 under this source, as that version identified it."""
    found = db.execute(
        "SELECT 1 FROM inputs JOIN tracks ON tracks.key = inputs.track"
        " WHERE inputs.source = ? AND inputs.params = ?"
        " AND seen_at <= coalesce((SELECT CAST(value AS REAL) FROM meta WHERE name = ?), 9e99)",
        (source, params, _UNTIL),
    ).fetchone()
    return found is not None
