"""Damaged ledgers: torn copies and lost pages. Nothing is paid again, and every error is a `LedgerError`."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.batch import LedgerError, LedgerView, open_ledger, plan
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, make_tracks, posts

LEDGER = ".musicai-batch.sqlite3"
PAGE = 4096


def pages(db: bytes) -> list[bytes]:
    return [db[start : start + PAGE] for start in range(0, len(db), PAGE)]


def torn(old: bytes, new: bytes) -> Iterator[bytes]:
    """The ledger, each time with another page of an older copy."""
    for number, (before, page) in enumerate(zip(pages(old), pages(new), strict=False)):
        if number and before != page:
            yield new[: number * PAGE] + before + new[(number + 1) * PAGE :]


def zeroed(db: bytes) -> Iterator[bytes]:
    """The ledger, each time with another page of zeros."""
    for number in range(1, len(db) // PAGE):
        yield db[: number * PAGE] + bytes(PAGE) + db[(number + 1) * PAGE :]


def refill(ledger: Path, content: bytes) -> None:
    for suffix in ("-wal", "-shm"):
        ledger.with_name(f"{ledger.name}{suffix}").unlink(missing_ok=True)
    ledger.write_bytes(content)


def test_torn_and_lost_pages_never_pay_again(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    ledger = out / LEDGER
    make_tracks(source, 30)
    assert echo(sandbox, source, out).run().ok
    old = ledger.read_bytes()
    make_tracks(source, 30, start=30)
    assert echo(sandbox, source, out).run().ok
    shutil.copytree(out, tmp_path / "good")
    refused = 0
    for content in (*torn(old, ledger.read_bytes()), *zeroed(ledger.read_bytes())):
        shutil.rmtree(out)
        shutil.copytree(tmp_path / "good", out)
        refill(ledger, content)
        try:
            plan("sdk-test", source, out, input_name="file")
            echo(sandbox, source, out).run()
        except LedgerError:
            refused += 1
    assert refused > 5
    assert posts(sandbox) == 60


def test_an_index_without_rows_of_its_table(sandbox: Sandbox, tmp_path: Path) -> None:
    """SQLite reads such a ledger without an error, but finds none of the tracks."""
    source, out = tmp_path / "in", tmp_path / "out"
    ledger = out / LEDGER
    make_tracks(source, 2)
    assert echo(sandbox, source, out).run().ok
    with closing(sqlite3.connect(ledger)) as db:
        names = ("sqlite_autoindex_tracks_1", "tracks_by_state")
        roots: list[int] = [
            db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name]).fetchone()[0]
            for name in names
        ]
    content, empty = bytearray(ledger.read_bytes()), b"\x0a" + bytes(4) + b"\x10\0" + bytes(1)
    for root in roots:
        content[(root - 1) * PAGE : root * PAGE] = empty + bytes(PAGE - len(empty))
    refill(ledger, bytes(content))
    # Found under other names, so that the inputs are new and only their contents are known.
    source.rename(tmp_path / "moved")
    with pytest.raises(LedgerError, match="damaged"):
        plan("sdk-test", tmp_path / "moved", out, input_name="file")
    for _ in range(2):
        with pytest.raises(LedgerError, match=r"damaged \(.*Restore a copy"):
            echo(sandbox, tmp_path / "moved", out).run()
    assert posts(sandbox) == 2


READS: dict[str, Callable[[LedgerView], Any]] = {
    "counts": lambda view: view.counts(),
    "failures": lambda view: list(view.failures()),
    "attempts": lambda view: list(view.attempts()),
    "tracks": lambda view: list(view.tracks()),
    "inputs": lambda view: list(view.inputs()),
    "durations": lambda view: view.durations(),
    "cost": lambda view: view.cost(),
}


@pytest.mark.parametrize("name", READS)
def test_a_reader_of_a_damaged_ledger(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 30)
    assert echo(sandbox, source, out).run().ok
    refused = 0
    for content in zeroed((out / LEDGER).read_bytes()):
        refill(out / LEDGER, content)
        try:
            with open_ledger(out / LEDGER) as view:
                READS[name](view)
        except LedgerError:
            refused += 1
    assert refused


def test_values_that_sqlite_refuses_are_not_damage(tmp_path: Path) -> None:
    with (
        closing(Ledger(tmp_path / "ledger", "slug", "file")) as ledger,
        pytest.raises(sqlite3.IntegrityError),
        ledger.transaction() as db,
    ):
        db.executemany("INSERT INTO meta VALUES (?, ?)", [("id", "twice")])
