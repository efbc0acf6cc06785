"""Concurrent writes to a ledger: the number of transactions, and the effects of a failed write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.batch import LedgerError, open_ledger
from musicai_sdk.batch.budget import Budget, OverBudget
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import Journal, Ledger
from musicai_sdk.batch.ledger.track import Overtaken, Track

BAD_TEXT = "caf\udce9"
"""A text that SQLite can't store."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger", "slug", "file", budget=Budget(max_jobs=3))
    yield ledger
    ledger.close()


@pytest.fixture
def transactions(ledger: Ledger) -> list[str]:
    """The ends of the ledger's transactions: `COMMIT` or `ROLLBACK`."""
    ends = list[str]()

    def note(statement: str) -> None:
        if statement in ("COMMIT", "ROLLBACK"):
            ends.append(statement)

    ledger._db.set_trace_callback(note)
    return ends


def tracks_in(ledger: Ledger, count: int) -> list[Track]:
    rows = [
        InputRow(f"/{number}.wav", "{}", f"{number}", size=1, mtime_ns=1, content=f"sha256:{number}")
        for number in range(count)
    ]
    with ledger.transaction():
        ledger.admit(rows)
        return [ledger.register(row)[0] for row in rows]


def together(ledger: Ledger, writes: Callable[[Journal], Sequence[Any]]) -> list[Any]:
    """The results and errors of writes that wait for the same commit."""

    async def main() -> list[Any]:
        journal = GroupCommit(ledger, lambda _track, _before: None)
        try:
            return await asyncio.gather(*writes(journal), return_exceptions=True)
        finally:
            await journal.close()

    return asyncio.run(main())


def post(journal: Journal, track: Track) -> Any:
    return journal.move(track, "creating", idempotency_key=f"key {track.key}", creating_at=time.time())


def test_concurrent_writes_share_a_transaction(ledger: Ledger, transactions: list[str]) -> None:
    tracks = tracks_in(ledger, 100)
    transactions.clear()
    together(ledger, lambda journal: [journal.move(track, "uploaded") for track in tracks])
    assert transactions == ["COMMIT"]
    assert {track.state for track in tracks} == {"uploaded"}
    assert ledger.counts() == {"uploaded": 100}


def test_a_write_that_fails_before_its_first_change(ledger: Ledger, transactions: list[str]) -> None:
    tracks = tracks_in(ledger, 10)
    together(ledger, lambda journal: [journal.move(track, "uploaded") for track in tracks])
    transactions.clear()
    stale = ledger.track(tracks[0].key)
    stale.run = "another run"
    ends = together(ledger, lambda journal: [post(journal, track) for track in (stale, *tracks)])
    # Three jobs are allowed, and the rolled-back track doesn't count.
    assert [type(end) for end in ends] == [Overtaken, *[type(None)] * 3, *[OverBudget] * 7]
    assert transactions == ["COMMIT"]
    assert (ledger.counts(), ledger.cost().jobs) == ({"creating": 3, "uploaded": 7}, 3)


def test_values_that_cannot_be_written(ledger: Ledger, transactions: list[str]) -> None:
    [track] = tracks_in(ledger, 1)
    transactions.clear()
    ends = together(
        ledger,
        lambda journal: [
            journal.write(lambda ledger: ledger.reject(BAD_TEXT, "")),
            journal.move(track, "uploaded", bytes_downloaded=2**70),
            journal.move(track, "uploaded", job_id="1"),
        ],
    )
    assert [type(end) for end in ends] == [UnicodeEncodeError, OverflowError, type(None)]
    assert transactions == ["COMMIT"]
    assert (track.state, track.job_id, track.bytes_downloaded) == ("uploaded", "1", 0)
    assert ledger.track(track.key) == track


def test_a_write_that_fails_halfway_is_undone_alone(ledger: Ledger, transactions: list[str]) -> None:
    one, two, three = tracks_in(ledger, 3)
    together(ledger, lambda journal: [journal.move(track, "uploaded") for track in (one, two, three)])
    transactions.clear()

    def writes(journal: Journal) -> list[Any]:
        return [
            post(journal, one),
            journal.move(two, "failed", lambda ledger: ledger.reject(BAD_TEXT, "")),
            journal.write(lambda ledger: ledger.reject("other", "fine")),
            post(journal, three),
        ]

    ends = together(ledger, writes)
    assert [type(end) for end in ends] == [type(None), UnicodeEncodeError, type(None), type(None)]
    assert transactions == ["ROLLBACK", "COMMIT"]
    assert [track.state for track in (one, two, three)] == ["creating", "uploaded", "creating"]
    with open_ledger(ledger.path) as view:
        assert [track for track, _ in view.tracks()] == [one, two, three]
        assert [rejected.source for rejected in view.rejected()] == ["other"]
        assert [attempt.number for attempt in view.attempts()] == [1, 1]


def test_posts_that_are_rolled_back_keep_no_place_in_the_budget(ledger: Ledger) -> None:
    tracks = tracks_in(ledger, 4)
    together(ledger, lambda journal: [journal.move(track, "uploaded") for track in tracks])
    bad = tracks.pop()
    ends = together(
        ledger,
        lambda journal: [
            *(post(journal, track) for track in tracks),
            journal.move(bad, "failed", lambda ledger: ledger.reject(BAD_TEXT, "")),
        ],
    )
    assert [type(end) for end in ends] == [*[type(None)] * 3, UnicodeEncodeError]


def test_a_cancelled_write_takes_place(ledger: Ledger) -> None:
    async def main() -> None:
        journal = GroupCommit(ledger, lambda _track, _before: None)
        writing = asyncio.create_task(journal.write(lambda ledger: ledger.reject("song", "why")))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await journal.close()

    asyncio.run(main())
    with open_ledger(ledger.path) as view:
        assert [rejected.source for rejected in view.rejected()] == ["song"]


def test_a_full_disk_fails_every_write(ledger: Ledger) -> None:
    [track] = tracks_in(ledger, 1)
    ledger._db.execute("PRAGMA max_page_count = 1")  # the ledger can't grow further
    ends = together(
        ledger,
        lambda journal: [
            journal.move(track, "uploaded"),
            journal.write(lambda ledger: ledger.reject("x" * 100_000, "")),
        ],
    )
    assert all(isinstance(end, LedgerError) for end in ends)
    assert (track.state, ledger.counts()) == ("seen", {"seen": 1})
