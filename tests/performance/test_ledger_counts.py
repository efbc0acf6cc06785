"""The numbers of statements and transactions per track, which are the same on every machine."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk.sandbox import Sandbox
from support.batch import echo, make_tracks


def test_statements_of_a_track(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new track makes eight writes: its registration and seven changes of its state."""
    connect, statements = sqlite3.connect, list[str]()

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    def counted(count: int) -> Counter[str]:
        make_tracks(tmp_path / f"in {count}", count)
        statements.clear()
        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", traced)
            assert (
                echo(sandbox, tmp_path / f"in {count}", tmp_path / f"out {count}").run().progress.done
                == count
            )
        return Counter(
            "commit" if each.startswith(("BEGIN", "COMMIT")) or "commits" in each else "other"
            for each in statements
        )

    few, many = counted(5), counted(25)
    # Without the statements of the run as a whole.
    assert (many["other"] - few["other"]) / 20 <= 23
    # Four statements for each transaction, and at most one transaction for each write.
    assert (many["commit"] - few["commit"]) / 20 <= 4 * 8
