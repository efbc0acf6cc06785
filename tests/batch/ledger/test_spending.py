"""The count of paid POSTs, and that two runs without working locks can't exceed a limit together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from musicai_sdk.batch.budget import Budget, Cost, OverBudget
from musicai_sdk.batch.ledger.schema import tables
from musicai_sdk.batch.ledger.spending import Spending, cost
from musicai_sdk.batch.ledger.track import COLUMNS


@pytest.fixture
def connections(tmp_path: Path) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    first, second = (sqlite3.connect(tmp_path / "ledger", isolation_level=None) for _ in range(2))
    first.executescript(tables(", ".join(COLUMNS)))
    yield first, second
    first.close()
    second.close()


def post(db: sqlite3.Connection, track: str, number: int = 1, outcome: str = "sent") -> None:
    db.execute(
        "INSERT INTO job_attempts (track, number, idempotency_key, reason, run, outcome, audio_ms)"
        " VALUES (?, ?, 'key', 'first', 'run', ?, 60000)",
        [track, number, outcome],
    )


def end(db: sqlite3.Connection, track: str, outcome: str) -> None:
    db.execute("UPDATE job_attempts SET outcome = ? WHERE track = ?", [outcome, track])


def test_two_connections_share_the_limit(
    connections: tuple[sqlite3.Connection, sqlite3.Connection],
) -> None:
    spending = [Spending(Budget(max_jobs=5)) for _ in connections]
    paid = 0
    for number in range(10):
        for db, own in zip(connections, spending, strict=True):
            db.execute("BEGIN IMMEDIATE")
            try:
                own.reserve(db, f"{number} {id(db)}")
                post(db, f"{number} {id(db)}")
                paid += 1
            except OverBudget:
                pass
            db.execute("COMMIT")
    assert paid == cost(connections[0]).jobs == 5


def test_a_refused_post_no_longer_counts(connections: tuple[sqlite3.Connection, sqlite3.Connection]) -> None:
    db, spending = connections[0], Spending(Budget(max_jobs=1))
    spending.reserve(db, "a")
    post(db, "a")
    with pytest.raises(OverBudget, match="max_jobs=1 is reached"):
        spending.reserve(db, "b")
    end(db, "a", "refused")
    spending.freed()
    spending.reserve(db, "b")


def test_an_absent_post_counts_until_its_track_repeats_it(
    connections: tuple[sqlite3.Connection, sqlite3.Connection],
) -> None:
    db, spending = connections[0], Spending(Budget(max_jobs=1))
    post(db, "a", outcome="absent")
    assert cost(db) == Cost(1, 60_000)
    with pytest.raises(OverBudget):
        spending.reserve(db, "b")
    spending.reserve(db, "a")
    post(db, "a", 2)
    assert cost(db) == Cost(1, 60_000)
    with pytest.raises(OverBudget):
        spending.check(db, "a")
    db.execute("UPDATE job_attempts SET outcome = 'refused' WHERE number = 2")
    assert cost(db) == Cost(1, 60_000), "the first one may still be found"
