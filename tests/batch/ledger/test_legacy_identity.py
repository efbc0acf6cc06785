"""A ledger of version 2.0.0: its tracks aren't paid again, although URLs are identified differently now."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from musicai_sdk.batch import Batch, Plan, plan
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, posts

HOST = "http://127.0.0.1:18765"
"""Nothing listens there any more."""
AGAIN = (
    f"{HOST}/a.wav?serial=1&signature=new",
    f"{HOST}/b.wav#track=1",
    f"{HOST}/c.wav?Expires=2&Serial=2&Signature=new",
    f"{HOST}/a.wav?id=1%20x&Expires=2&Signature=new&Key-Pair-Id=k",
)
"""The inputs of the run that created the ledger, with new signatures."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder of 2.0.0: `ledger-2.0.0.sql` is a dump of its ledger."""
    folder = tmp_path / "out"
    folder.mkdir()
    with closing(sqlite3.connect(folder / ".musicai-batch.sqlite3")) as db:
        db.executescript((Path(__file__).parents[1] / "data" / "ledger-2.0.0.sql").read_text())
        rows: list[tuple[str, str, int]] = db.execute("SELECT name, path, size FROM outputs").fetchall()
    for name, path, size in rows:
        (folder / path).parent.mkdir(exist_ok=True)
        text = b"RIFF" if name else json.dumps({"file": "./file.wav"}, indent=2).encode() + b"\n"
        (folder / path).write_bytes(text.ljust(size, b"\0"))
    return folder


def planned(inputs: Sequence[str], out: Path) -> Plan:
    return plan("sdk-test", list(inputs), out, input_name="file")


def test_nothing_is_paid_again(sandbox: Sandbox, out: Path) -> None:
    expected = planned(AGAIN, out)
    assert (expected.finished, expected.new) == (4, 0)
    for _ in range(2):
        report = echo(sandbox, list(AGAIN), out).run()
        assert (report.ok, report.progress.skipped, report.progress.known) == (True, 4, 4)
    assert planned(AGAIN, out).finished == 4
    assert posts(sandbox) == 0


def test_shards_pay_nothing_again(sandbox: Sandbox, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    with ThreadPoolExecutor(2) as executor:
        report = Batch("sdk-test", list(AGAIN), out, input_name="file", executor=executor).run()
    assert (report.ok, report.progress.skipped) == (True, 4)
    assert posts(sandbox) == 0


def test_unknown_songs_are_new(sandbox: Sandbox, out: Path) -> None:
    with sandbox.client() as client:
        one, other = (client.files.upload(b"RIFF of " + bytes([97 + number])).url for number in range(2))
    songs = [f"{one}#track=1", f"{one}#track=2", other, f"{one}&take=2"]
    assert planned(songs, out).new == 4
    report = echo(sandbox, songs, out).run()
    assert (report.ok, posts(sandbox)) == (True, 4)
    assert planned([*songs, *AGAIN], out).finished == 8


def test_a_new_ledger_distinguishes_them(sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.client() as client:
        url = client.files.upload(b"RIFF of a kind").url
    songs = [url, f"{url}#track=1", f"{url}#track=2", f"{url}&serial=1", f"{url}&serial=2"]
    assert planned(songs, tmp_path / "out").new == 5
    assert echo(sandbox, songs[:1], tmp_path / "out").run().ok
    report = echo(sandbox, songs, tmp_path / "out").run()
    assert (report.ok, report.progress.duplicates, posts(sandbox)) == (True, 0, 5)
    assert len(list((tmp_path / "out").rglob("file*"))) == 5
