"""What a ledger has spent: the sum of its paid POSTs, and the check of each new one against the budget."""

from __future__ import annotations

import sqlite3

from musicai_sdk.batch.budget import Budget, Cost, OverBudget, Price, changed, plus
from musicai_sdk.batch.ledger.queries import meta

_PRICE = "price"
"""The row of `meta` with the latest price that the user gave."""
_LATEST = (
    "number = (SELECT max(number) FROM job_attempts AS latest"
    " WHERE latest.track = job_attempts.track AND latest.outcome <> 'refused')"
)


def cost(db: sqlite3.Connection, run: str | None = None) -> Cost:
    """The cost of one run's paid POSTs, or of all runs'.

    A refused POST costs nothing. One that the service provably never received counts until it is sent again: the proof
    depends on the service's list, and no other track may spend the money meanwhile.
    """
    figures: tuple[int, int, int] = db.execute(
        "SELECT count(*), coalesce(sum(audio_ms), 0), count(*) - count(audio_ms) FROM job_attempts"  # noqa: S608
        f" WHERE outcome <> 'refused' AND (outcome <> 'absent' OR {_LATEST}) AND run = coalesce(?, run)",
        [run],
    ).fetchone()
    price = meta(db, _PRICE)
    return Cost(*figures, price=Price.parse(price) if price is not None else None)


def keep_price(db: sqlite3.Connection, price: Price) -> None:
    """Records the price for later reports."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [_PRICE, str(price)])


class Spending:
    """Checks paid POSTs against the budget, in the transaction that records them.

    Counting all POSTs of a large ledger takes a while, so the count is kept, and never too low: it only grows by POSTs
    of this connection, and is repeated if another connection has written to the file.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._spent: Cost | None = None
        self._version = 0
        self._freed = False

    def freed(self) -> None:
        """Notes that a POST no longer counts, so that the kept count may be too high."""
        self._freed = True

    def reserve(self, db: sqlite3.Connection, track: str) -> None:
        """Counts a POST that is about to be recorded.

        Raises:
            OverBudget: the budget doesn't allow it.
        """
        if self._budget.limited:
            length = _length(db, track)
            self._spent = plus(self._checked(db, track, length), length)

    def check(self, db: sqlite3.Connection, track: str | None) -> None:
        """Checks that the budget allows a POST of a track; None means one of the shortest audio possible.

        Raises:
            OverBudget: it doesn't.
        """
        if self._budget.limited:
            self._checked(db, track, _length(db, track) if track is not None else 1)

    def _checked(self, db: sqlite3.Connection, track: str | None, length: int | None) -> Cost:
        """What the ledger has spent, without a POST of the track that this one repeats."""
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if self._spent is not None and version == self._version:
            spent = _without_absent(db, self._spent, track)
            try:
                self._budget.check(spent, length)
            except OverBudget:
                if not self._freed:
                    raise
            else:
                return spent
        self._spent, self._version, self._freed = cost(db), version, False
        spent = _without_absent(db, self._spent, track)
        self._budget.check(spent, length)
        return spent


def _without_absent(db: sqlite3.Connection, spent: Cost, track: str | None) -> Cost:
    rows: list[tuple[int | None]] = db.execute(
        f"SELECT audio_ms FROM job_attempts WHERE track = ? AND outcome = 'absent' AND {_LATEST}",  # noqa: S608
        [track],
    ).fetchall()
    for (length,) in rows:
        spent = changed(spent, before=plus(Cost(), length), after=Cost())
    return spent


def _length(db: sqlite3.Connection, track: str) -> int | None:
    row: tuple[int | None] | None = db.execute(
        "SELECT audio_ms FROM tracks WHERE key = ?", [track]
    ).fetchone()
    return row[0] if row is not None else None
