"""Inputs that version 2.0.0 identified differently. With this module, a new run finds their paid jobs in its ledgers.

Version 2.0.0 treated more of a URL as its signature, and ignored the fragment. So one of its tracks may stand for
several songs, although only one was processed, and the ledger doesn't say which. In such a ledger all these songs count
as done, and nothing is paid again. A new ledger distinguishes them.
"""

from __future__ import annotations

import sqlite3
import time

_UNTIL = "former_identities_until"
"""The row of `meta` with the time, in seconds since 1970, until which tracks may be of version 2.0.0. The value is 0 in
a ledger that a later version created. The row is missing if no later version has opened the ledger yet."""


def record_cutoff(db: sqlite3.Connection, *, new: bool) -> None:
    """When a later version first opens a ledger, records which tracks may be of version 2.0.0.

    Args:
        db: The ledger.
        new: Whether the ledger was just created.
    """
    if db.execute("SELECT 1 FROM meta WHERE name = ?", [_UNTIL]).fetchone() is None:
        # The clock may have been set back, so all existing tracks count as older in any case.
        latest: float = db.execute("SELECT coalesce(max(seen_at), 0) FROM tracks").fetchone()[0]
        until = 0.0 if new else max(time.time(), latest)
        db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", [_UNTIL, repr(until)])


def is_legacy_input(db: sqlite3.Connection, source: str, params: str) -> bool:
    """Whether the ledger has a track of version 2.0.0 for this source, as that version identified sources."""
    found = db.execute(
        "SELECT 1 FROM inputs JOIN tracks ON tracks.key = inputs.track"
        " WHERE inputs.source = ? AND inputs.params = ?"
        " AND seen_at <= coalesce((SELECT CAST(value AS REAL) FROM meta WHERE name = ?), 9e99)",
        (source, params, _UNTIL),
    ).fetchone()
    return found is not None
