"""Inputs that version 2.0.0 identified otherwise: what a ledger of that version has paid for is found again.

That version took more of a URL for its signature, and left the fragment out. So one of its tracks may stand for several
songs, only one of which was processed; which one, it didn't write down. They stay done in its ledger: nothing is paid
for again. A new ledger tells them apart.
"""

from __future__ import annotations

import sqlite3
from typing import Protocol

FORMER_UNTIL = "former_identities_until"
"""The row of `meta` with the time (seconds since 1970) until which the ledger's tracks may be of version 2.0.0: 0 in a
ledger that a later version made; none in one that no later version has opened yet."""


class Remote(Protocol):
    """An input, as far as it matters here: see `ledger.Given`."""

    source: str
    params: str
    content: str | None
    former: str | None


def recall_former(db: sqlite3.Connection, given: Remote) -> None:
    """Identifies an input as 2.0.0 did, if the ledger has its track from that time."""
    if given.former is None:
        return
    found = db.execute(
        "SELECT 1 FROM inputs JOIN tracks ON tracks.key = inputs.track"
        " WHERE inputs.source = ? AND inputs.params = ?"
        " AND seen_at < coalesce((SELECT CAST(value AS REAL) FROM meta WHERE name = ?), 9e99)",
        (given.former, given.params, FORMER_UNTIL),
    ).fetchone()
    if found is not None:
        given.source, given.content = given.former, f"url:{given.former}"
    given.former = None
