"""Inputs that version 2.0.0 identified otherwise: what a ledger of that version has paid for is found again.

That version took more of a URL for its signature, and left the fragment out. So one of its tracks may stand for several
songs, only one of which was processed; which one, it didn't write down. They stay done in its ledger: nothing is paid
for again. A new ledger tells them apart.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Protocol

_UNTIL = "former_identities_until"
"""The row of `meta` with the time (seconds since 1970) until which the ledger's tracks may be of version 2.0.0: 0 in a
ledger that a later version made; none in one that no later version has opened yet."""


class Remote(Protocol):
    """An input, as far as it matters here: see `ledger.Given`."""

    source: str
    params: str
    content: str | None
    legacy_source: str | None


def record_cutoff(db: sqlite3.Connection, *, new: bool) -> None:
    """Writes down once, when a later version opens a ledger, which of its tracks may be of 2.0.0.

    Args:
        db: The ledger.
        new: Whether it was made just now.
    """
    if db.execute("SELECT 1 FROM meta WHERE name = ?", [_UNTIL]).fetchone() is None:
        # Whatever the clock says now, the tracks that are there are from before.
        latest: float = db.execute("SELECT coalesce(max(seen_at), 0) FROM tracks").fetchone()[0]
        until = 0.0 if new else max(time.time(), latest)
        db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", [_UNTIL, repr(until)])


def recall_legacy(db: sqlite3.Connection, given: Remote) -> None:
    """Identifies an input as 2.0.0 did, if the ledger has its track from that time."""
    if given.legacy_source is None:
        return
    found = db.execute(
        "SELECT 1 FROM inputs JOIN tracks ON tracks.key = inputs.track"
        " WHERE inputs.source = ? AND inputs.params = ?"
        " AND seen_at <= coalesce((SELECT CAST(value AS REAL) FROM meta WHERE name = ?), 9e99)",
        (given.legacy_source, given.params, _UNTIL),
    ).fetchone()
    if found is not None:
        given.source, given.content = given.legacy_source, f"url:{given.legacy_source}"
    given.legacy_source = None
