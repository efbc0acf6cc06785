"""The ledger: its owner, its users, and its size. Also invalid inputs."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch import (
    Batch,
    Event,
    Folder,
    Input,
    LedgerError,
    LedgerLockedError,
    LedgerMismatchError,
    LedgerVersionError,
    Manifest,
    open_ledger,
)
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.database import inspect
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.ledger.track import Track, track_key
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from support.batch import SCALE, echo, make_tracks, posts, wait_until
from support.memory import PEAK_MEMORY, needs_proc

LEDGER = ".musicai-batch.sqlite3"


def test_another_workflow_s_ledger(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    echo(sandbox, tmp_path / "in", tmp_path / "out").run()
    with pytest.raises(LedgerMismatchError, match="belongs to sdk-test"):
        Batch("other", tmp_path / "in", tmp_path / "out", connect=sandbox.async_client).run()
    ledger = tmp_path / "out" / LEDGER
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600, "the ledger contains signed URLs"


@pytest.mark.parametrize("keep_jobs", [False, True])
def test_no_signed_url_of_a_finished_track_is_kept(
    sandbox: Sandbox, tmp_path: Path, *, keep_jobs: bool
) -> None:
    out = tmp_path / "out"
    with sandbox.client() as client:
        signed = [client.files.upload(path).url for path in make_tracks(tmp_path / "there", 2)]
    assert all("Signature=" in url for url in signed)
    inputs = [*signed, *map(str, make_tracks(tmp_path / "in", 3, start=10))]
    for _ in range(2):
        report = echo(sandbox, inputs, out, keep_jobs=keep_jobs).run()
        assert report.ok
        assert posts(sandbox) == len(inputs)
        for path in out.rglob("*"):
            assert path.is_dir() or b"Signature=" not in path.read_bytes(), path


def test_a_newer_version_s_ledger(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    echo(sandbox, tmp_path / "in", tmp_path / "out").run()
    ledger = tmp_path / "out" / LEDGER
    connection = sqlite3.connect(ledger)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerVersionError, match="version 99"):
        echo(sandbox, tmp_path / "in", tmp_path / "out").run()
    with pytest.raises(LedgerVersionError):
        open_ledger(ledger)


def test_another_file_under_the_name_of_the_ledger(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    other = tmp_path / "other.sqlite3"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    (tmp_path / "text").write_text("no database at all, but long enough to be one" * 99)
    for path in (other, tmp_path / "text"):
        before = path.read_bytes()
        with pytest.raises(LedgerError):
            echo(sandbox, tmp_path / "in", tmp_path / "out", ledger=path).run()
        assert path.read_bytes() == before
    with pytest.raises(LedgerError, match="there is no ledger"):
        open_ledger(tmp_path / "nowhere")


def test_a_running_process_s_ledger(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)
    path = tmp_path / "out" / LEDGER
    program = "import sys, time, pathlib; from musicai_sdk.batch.ledger.ledger import Ledger;"
    program += "ledger = Ledger(pathlib.Path(sys.argv[1]), 'sdk-test', 'file');"
    program += "print('locked', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(LedgerLockedError, match=f"process {process.pid} on "):
            echo(sandbox, tmp_path / "in", tmp_path / "out").run()
        with open_ledger(path) as view:
            assert view.counts() == {}
        process.kill()
    wait_until(lambda: echo(sandbox, tmp_path / "in", tmp_path / "out").run().ok)


def test_a_ledger_moved_during_a_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """The run ends instead of paying without a record. If the ledger is restored, nothing is paid again."""
    source, out, away = tmp_path / "in", tmp_path / "out", tmp_path / "away"
    make_tracks(source, 20)

    def on_event(event: Event) -> None:
        if event.kind == "state" and event.state == "deleted" and not away.exists():
            out.rename(away)

    with pytest.raises(LedgerError, match="was removed or moved while it was in use: nothing new is begun"):
        echo(sandbox, source, out, in_flight=2, on_event=on_event).run()
    paid = posts(sandbox)
    assert 0 < paid < 12
    if out.exists():  # a download was under way
        shutil.rmtree(out)
    away.rename(out)
    report = echo(sandbox, source, out).run()
    assert (report.ok, report.progress.done, posts(sandbox)) == (True, 20, 20)
    with open_ledger(report.ledger) as view:
        assert not list(view.check(out))


def test_a_ledger_removed_during_a_run(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 20)
    created = list[str]()

    def on_event(event: Event) -> None:
        if event.kind == "state" and event.state == "created":
            created.append(event.source)
            if len(created) == 3:
                (out / LEDGER).unlink()

    with pytest.raises(LedgerError, match="was removed or moved"):
        echo(sandbox, source, out, in_flight=2, on_event=on_event).run()
    assert posts(sandbox) < 10


class NoInodes(type(Path())):  # type: ignore[misc]
    """A file on a file system without inodes, which doesn't always answer."""

    answers = True

    @override
    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        if not self.answers:
            raise OSError(errno.EIO, "the server is away")
        found = super().stat(follow_symlinks=follow_symlinks)
        return os.stat_result((found[0], 0, *found[2:]))


@pytest.mark.parametrize("alone", [False, True], ids=["a run's", "a shard's"])
def test_a_removed_or_replaced_ledger_is_detected(
    tmp_path: Path, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, away = tmp_path / "l.sqlite3", tmp_path / "away.sqlite3"
    ledger = Ledger(path, "s", "i", alone=alone)
    with ledger.transaction():
        ledger.reject("first", "")
    path.rename(away)
    with pytest.raises(LedgerError, match="was removed or moved"), ledger.transaction():
        ledger.reject("while it was away", "")
    path.write_bytes(b"another file")
    with pytest.raises(LedgerError, match="was removed or moved"), ledger.transaction():
        ledger.reject("while another one had its name", "")
    away.replace(path)
    with ledger.transaction():
        ledger.reject("back", "")
    ledger.close()
    with open_ledger(path) as view:
        assert len(list(view.rejected())) == 4, "no write is lost"
    # Without inodes, files can't be distinguished, but a missing file is still detected.
    ledger = Ledger(NoInodes(path), "s", "i", alone=alone)
    with ledger.transaction():
        ledger.begin()
    monkeypatch.setattr(NoInodes, "answers", False)
    with ledger.transaction():
        ledger.begin()
    monkeypatch.setattr(NoInodes, "answers", True)
    path.rename(away)
    with pytest.raises(LedgerError, match="was removed or moved"), ledger.transaction():
        ledger.begin()
    ledger.close()


def test_invalid_inputs(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no column.csv").write_text("song,level\na.wav,3\n")
    (tmp_path / "no rows.csv").write_text("path\n")
    (tmp_path / "nothing.jsonl").write_text("")
    cases: list[tuple[Any, str]] = [
        (tmp_path / "empty", "nothing to process .*no audio or video files"),
        (Folder(tmp_path / "empty", "*.txt"), r"no \*\.txt"),
        (Folder(tmp_path / "missing"), "there is no folder"),
        (tmp_path / "no column.csv", "no column input, path or url; its columns are song, level"),
        (tmp_path / "no rows.csv", "has no rows"),
        (tmp_path / "nothing.jsonl", "has no rows"),
        (Manifest(tmp_path / "missing.csv"), "can't be read"),
        ([3], "can't process a int"),
    ]
    for inputs, reason in cases:
        with pytest.raises(InputError, match=reason):
            echo(sandbox, inputs, tmp_path / "out").run()
    assert not sandbox.requests
    bad: list[dict[str, Any]] = [{"in_flight": 0}, {"uploads": 0}, {"grace": -1}, {"params": {"file": "x"}}]
    for options in bad:
        with pytest.raises(InputError, match=next(iter(options)) if "params" not in options else "file"):
            echo(sandbox, tmp_path, tmp_path / "out", **options)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="need a folder"):
        echo(sandbox, tmp_path, tmp_path / "file")
    assert not (tmp_path / "out" / "sdk-test").exists()


def test_unusable_inputs_are_rejected(sandbox: Sandbox, tmp_path: Path) -> None:
    good = make_tracks(tmp_path, 1)[0]
    (tmp_path / "empty.wav").write_bytes(b"")
    bad: list[Any] = [
        tmp_path / "missing.wav",
        tmp_path / "empty.wav",
        Input(str(good), {"level": float("nan")}),
        Input(str(good), {"file": "x"}),
        os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav"),
    ]
    report = echo(sandbox, [*bad, good], tmp_path / "out").run()
    assert (report.progress.done, report.progress.rejected, report.ok) == (1, 5, False)
    with open_ledger(report.ledger) as ledger:
        assert len(list(ledger.rejected())) == 5
    assert echo(sandbox, good, tmp_path / "out").run().ok, "rejections don't affect the next run"


def test_results_inside_the_input_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path, 3)
    for _ in range(2):
        report = echo(sandbox, tmp_path, tmp_path / "results").run()
        assert (report.progress.known, report.progress.done) == (3, 3)


def test_a_resumed_run_neither_writes_nor_queries_per_finished_track(tmp_path: Path) -> None:
    path = tmp_path / "out" / LEDGER
    _fill(path, None, 3000)
    urls = [f"https://example.org/{number}.wav" for number in range(3000) if number % 1000]
    commits = list[int]()
    for inputs in (urls[:10], urls):
        before = inspect(path).commits
        # Nothing listens there, so any request would fail.
        report = Batch(
            "sdk-test",
            inputs,
            path.parent,
            input_name="file",
            keep_jobs=True,
            connect=lambda: AsyncMusicAiClient("key", base_url="http://127.0.0.1:9/v1"),
        ).run()
        # None of the recorded files exists.
        assert (report.progress.skipped, report.progress.missing) == (len(inputs), len(inputs))
        commits.append(inspect(path).commits - before)
    assert commits[0] == commits[1]

    ledger = Ledger(path, "sdk-test", "file")
    statements = list[str]()
    ledger._db.set_trace_callback(statements.append)
    rows = [InputRow(url, "{}", "", url=url, content=f"url:{url}") for url in urls[:1000]]
    assert ledger.recall(rows) == []
    files = ledger.stored_files([row.key or "" for row in rows])
    ledger.close()
    assert [*files.values()] == [[(f"{number}/chords.json", 9)] for number in range(1002) if number % 1000]
    assert len(statements) < 20


LOOKS = {
    "opening": """
        from musicai_sdk.batch import open_ledger
        with open_ledger(ledger) as view:
            assert view.counts() == {"deleted": 99_900, "failed": 100}
        """,
    "resuming": """
        from musicai_sdk import AsyncMusicAiClient
        from musicai_sdk.batch import Batch
        inputs = inputs or [f"https://example.org/{number}.wav" for number in range(100_000)]
        # Nothing listens there, so any request would fail.
        connect = lambda: AsyncMusicAiClient("key", base_url="http://127.0.0.1:9/v1")
        run = Batch("sdk-test", inputs, ledger.parent, input_name="file", keep_jobs=True, connect=connect).run()
        assert (run.progress.known, run.progress.skipped, run.progress.failed) == (100_000, 99_900, 100)
        """,
    "figures": """
        from musicai_sdk.batch import open_ledger
        with open_ledger(ledger) as view:
            assert len(list(view.failures())) == 100
            assert view.durations()["service"].count == 100_000
            assert view.bytes() == (100_000 if inputs else 0, 0)
        """,
    "report.html": """
        from musicai_sdk.batch import write_report
        page = write_report(ledger)
        size = page.stat().st_size
        assert size < 10e6, size
        """,
}
"""Operations on a large ledger, each in its own process."""

MEASURED = f"""{PEAK_MEMORY}
import os, sys, textwrap, time
import musicai_sdk.batch
from musicai_sdk.batch import Batch, open_ledger, write_report
ledger, inputs, program = Path(sys.argv[1]), sys.argv[2], textwrap.dedent(sys.argv[3])
began, before = time.perf_counter(), os.times()
exec(program)
took, after = time.perf_counter() - began, os.times()
print(took, after.user + after.system - before.user - before.system, peak_memory())
"""


@pytest.mark.timeout(300)
@needs_proc
def test_a_hundred_thousand_rows(tmp_path: Path) -> None:
    """Opening, resuming and reporting; with `MUSICAI_TEST_SCALE` of 5 and more on real files."""
    count, out = 100_000, tmp_path / "out"
    inputs = tmp_path / "in" if SCALE >= 5 else None
    _fill(out / LEDGER, inputs, count)
    megabytes = (out / LEDGER).stat().st_size / 1e6
    print(f"\n100,000 rows, {megabytes:.0f} MB, of {'files' if inputs else 'addresses'}:")
    for name, program in LOOKS.items():
        command = [
            sys.executable,
            "-W",
            "error",
            "-c",
            MEASURED,
            str(out / LEDGER),
            str(inputs or ""),
            program,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        took, busy, peak = map(float, done.stdout.split())
        print(f"  {name}: {took:.2f} s, {busy:.2f} s of them CPU; {peak / 2**20:.0f} MB in all")
        assert peak < 100 * 2**20, name
    print(f"  the page: {(out / 'report.html').stat().st_size / 1e6:.1f} MB")


def _fill(path: Path, inputs: Path | None, count: int) -> None:
    """Fills a ledger as after a run with some failures."""
    ledger = Ledger(path, "sdk-test", "file", out=path.parent)
    names = [each.name for each in fields(Track)]
    if inputs is not None:
        inputs.mkdir()
    with ledger.transaction() as db:
        for number in range(count):
            size = changed = None
            source = f"https://example.org/{number}.wav"
            content = f"url:{source}"
            if inputs is not None:
                source, content = str(inputs / f"{number}.wav"), f"sha256:{number:064}"
                Path(source).write_bytes(b"x")
                size, changed = 1, Path(source).stat().st_mtime_ns
            key = track_key(content, "sdk-test", "file", "{}")
            folder = str(number)
            state: State = "failed" if number % 1000 == 0 else "deleted"
            track = Track(key, state, source, content, "{}", folder, "0" * 16, size, job_id=f"job-{number}")
            track.seen_at = track.uploaded_at = track.created_at = time.time()
            track.finished_at, track.verified_at = time.time() + number % 60, time.time() + number % 70
            row = (source, "{}", None, folder, folder, size, changed, content, track.sample, key)
            db.execute(f"INSERT INTO inputs VALUES ({', '.join('?' * len(row))})", row)
            columns = [getattr(track, name) for name in names]
            db.execute(f"INSERT INTO tracks VALUES ({', '.join('?' * len(columns))})", columns)
            output = (key, "chords", f"{number}/chords.json", 9, "0" * 64)
            db.execute("INSERT INTO outputs VALUES (?, ?, ?, ?, ?)", output)
            db.execute("INSERT INTO folders VALUES (?, ?)", (folder, key))
    ledger.close()
