"""The checks before a run pays: the same account, the same ledger, and its own output folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk.batch import (
    Batch,
    Event,
    LedgerError,
    LedgerLockedError,
    LedgerMismatchError,
    open_ledger,
    plan,
    set_aside,
)
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.sandbox import Quirks, Sandbox
from support.batch import Service, echo, kill, leftovers, make_tracks, make_wavs, posts, wait_until

LEDGER = ".musicai-batch.sqlite3"
CLAIM = ".musicai-batch.ledger"


def done(sandbox: Sandbox, tmp_path: Path, count: int = 2, **options: Any) -> tuple[Path, Path]:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, count)
    assert echo(sandbox, source, out, **options).run().ok
    return source, out


# --- the account


def test_another_application_s_key(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    make_tracks(source, 1, start=7)
    sent = posts(sandbox)
    with sandbox.client() as client:
        own = client.application.get().id
    key = sandbox.add_key("another")
    with MusicAiClient(key, base_url=sandbox.base_url) as client:
        other = client.application.get().id

    def connect() -> AsyncMusicAiClient:
        return AsyncMusicAiClient(key, base_url=sandbox.base_url)

    with pytest.raises(LedgerMismatchError, match="paid for again") as caught:
        echo(sandbox, source, out, connect=connect).run()
    assert own in str(caught.value)
    assert other in str(caught.value)
    assert key not in str(caught.value)
    assert posts(sandbox) == sent
    assert echo(sandbox, source, out).run().ok


def test_another_service_on_the_same_machine(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    make_tracks(source, 1, start=7)
    with Sandbox() as other:
        with pytest.raises(LedgerMismatchError, match="application"):
            echo(other, source, out).run()
        assert not other.jobs


def test_a_sandbox_restarted_on_another_port(tmp_path: Path) -> None:
    ports = set[str]()
    for number in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        with Sandbox(data_dir=tmp_path / "data", port=port) as sandbox:
            ports.add(sandbox.base_url)
            done(sandbox, tmp_path, 2 + number, keep_jobs=True)
            assert len(sandbox.jobs) == 2 + number
    assert len(ports) == 2


def test_a_service_that_does_not_name_the_application(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add("GET /application", status=404)
    told = list[Event]()
    source, out = done(sandbox, tmp_path, on_event=told.append)
    (warning,) = [event.message for event in told if event.kind == "warning"]
    assert "doesn't say which application" in warning
    make_tracks(source, 1, start=7)
    elsewhere = sandbox.base_url.replace("127.0.0.1", "localhost")

    def connect() -> AsyncMusicAiClient:
        return AsyncMusicAiClient(sandbox.api_key, base_url=elsewhere)

    with pytest.raises(LedgerMismatchError, match=elsewhere):
        echo(sandbox, source, out, connect=connect).run()
    assert echo(sandbox, source, out).run().ok


def test_a_service_that_no_longer_names_the_application(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    make_tracks(source, 1, start=7)
    sandbox.faults.add("GET /application", status=404)
    before = posts(sandbox)
    with pytest.raises(LedgerMismatchError, match=r"doesn't say which application.*Run again"):
        echo(sandbox, source, out).run()
    assert posts(sandbox) == before
    sandbox.faults.clear()
    assert echo(sandbox, source, out).run().ok


def test_the_check_of_the_application_is_retried(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add("GET /application", status=503, nth=1)
    done(sandbox, tmp_path, connect=lambda: sandbox.async_client(max_retries=0))
    assert sum(entry.path == "/v1/application" for entry in sandbox.requests) == 2


def test_a_run_without_work_sends_no_request(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    before = len(sandbox.requests)
    assert echo(sandbox, source, out).run().progress.skipped == 2
    assert len(sandbox.requests) == before


# --- the ledger


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(4080)])
def test_an_empty_ledger(content: bytes, sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    sent = posts(sandbox)
    (out / LEDGER).write_bytes(content)
    for adopt in (False, True):
        with pytest.raises(LedgerError):
            echo(sandbox, source, out, adopt=adopt).run()
    with pytest.raises(LedgerError):
        plan("sdk-test", source, out, input_name="file")
    assert posts(sandbox) == sent
    assert (out / LEDGER).read_bytes() == content


def test_a_truncated_ledger(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    sent, size = posts(sandbox), (out / LEDGER).stat().st_size
    os.truncate(out / LEDGER, size // 2)
    with pytest.raises(LedgerError):
        echo(sandbox, source, out).run()
    assert posts(sandbox) == sent


@pytest.mark.parametrize("whole", [True, False], ids=["copied without dotfiles", "the ledger alone is gone"])
def test_results_without_their_ledger(whole: bool, sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    before = {path: path.read_bytes() for path in out.rglob("*.wav")}
    for path in out.glob(".*") if whole else [out / LEDGER]:
        path.unlink()
    sent = posts(sandbox)
    with pytest.raises(LedgerError, match=r"adopt=True \(--adopt\)"):
        echo(sandbox, source, out).run()
    with pytest.raises(LedgerError, match=r"adopt=True \(--adopt\)"):
        plan("sdk-test", source, out, input_name="file")
    assert posts(sandbox) == sent
    assert not (out / LEDGER).exists()
    assert plan("sdk-test", source, out, input_name="file", adopt=True).new == 2
    assert echo(sandbox, source, out, adopt=True).run().ok
    assert posts(sandbox) == sent + 2
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(out.rglob("*.wav"))) == 4, "the new results are in new folders"
    assert echo(sandbox, source, out).run().progress.skipped == 2


def test_a_ledger_lost_before_it_had_results(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 1)
    sandbox.faults.add("POST /job", job_seconds=3600)

    def on_event(event: Event) -> None:
        if event.state == "created":
            batch.drain()

    batch: Batch = echo(sandbox, source, out, on_event=on_event)
    batch.run()
    assert len(sandbox.jobs) == 1
    (out / LEDGER).unlink()
    with pytest.raises(LedgerError, match="says that there was one"):
        echo(sandbox, source, out).run()
    assert len(sandbox.jobs) == 1


def test_an_archived_ledger_releases_its_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    aside = set_aside(out / LEDGER)
    assert echo(sandbox, source, out).run().ok
    assert posts(sandbox) == 4
    (out / LEDGER).unlink()
    aside.rename(out / LEDGER)
    with pytest.raises(LedgerError, match="isn't the ledger that was used here last"):
        echo(sandbox, source, out).run()
    assert echo(sandbox, source, out, adopt=True).run().progress.skipped == 2
    assert posts(sandbox) == 4


def killed_in_the_middle(running: Service, tmp_path: Path) -> tuple[Path, Path]:
    """A run that was killed after some jobs were created. Its latest changes are in the `-wal` file."""
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 12)
    process = running.start(source, out, keep_jobs=True, die_at=["created", 6])
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert (out / f"{LEDGER}-wal").stat().st_size
    return source, out


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_ledger_without_its_wal(elsewhere: bool, running: Service, tmp_path: Path) -> None:
    source, out = killed_in_the_middle(running, tmp_path)
    (out / f"{LEDGER}-wal").unlink()
    (out / f"{LEDGER}-shm").unlink(missing_ok=True)
    if elsewhere:
        (tmp_path / "other").mkdir()
        shutil.copy(out / LEDGER, tmp_path / "other" / LEDGER)
        out = tmp_path / "other"
    jobs = len(running.jobs())
    options: dict[str, Any] = {"input_name": "file", "poll_interval": 0.2, "grace": 1.0, "keep_jobs": True}

    def connect() -> AsyncMusicAiClient:
        return AsyncMusicAiClient(
            running.variables["MUSIC_AI_API_KEY"], base_url=running.variables["MUSIC_AI_BASE_URL"]
        )

    for _ in range(3):  # a refused run changes nothing
        with pytest.raises(LedgerError, match=r"-wal.*adopt=True \(--adopt\)"):
            Batch("sdk-test", source, out, connect=connect, **options).run()
        with pytest.raises(LedgerError, match="adopt=True"):
            plan("sdk-test", source, out, input_name="file")
    assert len(running.jobs()) == jobs


def test_a_ledger_whose_wal_another_program_has_merged(running: Service, tmp_path: Path) -> None:
    source, out = killed_in_the_middle(running, tmp_path)
    with closing(sqlite3.connect(out / LEDGER)) as db:
        assert db.execute("SELECT count(*) FROM tracks").fetchone() == (12,)
    assert not (out / f"{LEDGER}-wal").exists()
    assert running.run(source, out, keep_jobs=True)["done"] == 12
    assert len(running.jobs()) == 12


def test_an_older_copy_of_the_ledger(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    backup = tmp_path / "backup"
    shutil.copy(out / LEDGER, backup)
    make_tracks(source, 2, start=10)
    assert echo(sandbox, source, out).run().ok
    sent = posts(sandbox)
    assert sent == 4
    make_tracks(tmp_path / "more", 1, start=20)
    # Tracks that wait in the older copy may have been paid since.
    with closing(sqlite3.connect(backup)) as db, db:
        db.execute(
            "UPDATE tracks SET state = 'uploaded', job_id = NULL, idempotency_key = NULL WHERE rowid = 1"
        )
    (out / LEDGER).write_bytes(backup.read_bytes())
    for _ in range(3):
        with pytest.raises(LedgerError, match="older copy"):
            echo(sandbox, source, out).run()
    report = echo(sandbox, make_tracks(source, 2), out, adopt=True).run()
    assert report.progress.states == {"deleted": 1, "uncertain": 1}
    assert posts(sandbox) == sent
    assert echo(sandbox, make_tracks(source, 2), out, retry_uncertain=True).run().ok
    assert posts(sandbox) == sent + 1


@pytest.mark.parametrize("content", [b"", b"\0" * 1024])
@pytest.mark.parametrize("with_results", [False, True])
def test_a_claim_that_was_never_written(
    content: bytes, with_results: bool, sandbox: Sandbox, tmp_path: Path
) -> None:
    """As a kill or a power cut leaves it between two system calls."""
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 2)
    out.mkdir()
    if with_results:
        assert echo(sandbox, source, out).run().ok
        make_tracks(source, 1, start=7)
    (out / CLAIM).write_bytes(content)
    assert echo(sandbox, source, out).run().ok
    assert posts(sandbox) == 2 + with_results
    assert len(json.loads((out / CLAIM).read_text())["id"]) == 32
    assert (out / CLAIM).stat().st_size == 1024
    assert not leftovers(out)


def test_a_claim_that_can_not_be_read(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    (out / CLAIM).write_bytes(b'{"id": "c1ef')
    make_tracks(source, 1, start=7)
    with pytest.raises(LedgerMismatchError, match="can't be read") as caught:
        echo(sandbox, source, out).run()
    assert f"remove {str(out / CLAIM)!r}" in str(caught.value)
    assert posts(sandbox) == 2
    (out / CLAIM).unlink()
    assert echo(sandbox, source, out).run().ok


@pytest.mark.timeout(200)
def test_killed_at_every_step_of_the_claim(running: Service, tmp_path: Path) -> None:
    """The first run of a folder is killed at each of its file operations in turn; the next run always continues."""
    source = tmp_path / "in"
    make_tracks(source, 1)
    names = ("link", "write", "unlink", "open", "ftruncate")
    for number, name in enumerate(names):
        out = tmp_path / f"out {number}"
        program = (
            "import os, signal, sys\n"
            f"real = os.{name}\n"
            "def last(*arguments, **options):\n"
            f"    found = real(*arguments, **options)\n"
            "    if any(str(each).endswith('.musicai-batch.ledger') or '.musicai-batch.ledger.' in str(each)"
            " for each in arguments) or 'commits' in str(arguments):\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
            "    return found\n"
            f"os.{name} = last\n"
            "from musicai_sdk.batch import run\n"
            f"run('sdk-test', {str(source)!r}, {str(out)!r}, input_name='file', progress=False)\n"
        )
        killed = subprocess.run([sys.executable, "-c", program], env=running.environment, check=False)
        assert killed.returncode in (-signal.SIGKILL, 0), name
        progress = running.run(source, out)
        assert (progress["done"], progress["failed"]) == (1, 0), name


def test_hard_links_and_copies(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = done(sandbox, tmp_path)
    make_tracks(source, 1, start=9)
    sent = posts(sandbox)
    link, copy = tmp_path / "link.sqlite3", tmp_path / "copy.sqlite3"
    shutil.copy(out / LEDGER, copy)
    with pytest.raises(LedgerMismatchError, match="copy of the ledger"):
        echo(sandbox, source, out, ledger=copy).run()
    os.link(out / LEDGER, link)
    for ledger in (link, None):
        with pytest.raises(LedgerError, match="2 names"):
            echo(sandbox, source, out, ledger=ledger).run()
    assert posts(sandbox) == sent
    link.unlink()
    (out / LEDGER).rename(tmp_path / "moved.sqlite3")
    assert echo(sandbox, source, out, ledger=tmp_path / "moved.sqlite3").run().ok
    assert posts(sandbox) == sent + 1


# --- two runs at once


def test_two_new_ledgers_in_one_folder_at_the_same_time(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 8)
    ended = list[Any]()
    start = threading.Barrier(4)

    def run(number: int) -> None:
        batch = echo(sandbox, source, out, ledger=tmp_path / f"{number}.sqlite3")
        start.wait()
        try:
            ended.append(batch.run())
        except LedgerMismatchError as error:
            ended.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, LedgerMismatchError) for each in ended) == 3
    assert posts(sandbox) == 8


def unlocked(batch: Batch) -> None:
    """Removes the lock file during a run."""
    batch.ledger.with_name(f"{batch.ledger.name}.lock").unlink()


@pytest.mark.parametrize("at", ["uploaded", "creating", "created"])
def test_a_lock_removed_during_a_run(at: str, sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 16)
    second = list[Any]()
    threads = list[threading.Thread]()

    def join_in() -> None:
        second.append(echo(sandbox, source, out, keep_jobs=True).run())

    def on_event(event: Event) -> None:
        if event.kind == "state" and event.state == at and not threads:
            unlocked(first)
            threads.append(threading.Thread(target=join_in))
            threads[0].start()

    first = echo(sandbox, source, out, keep_jobs=True, in_flight=4, on_event=on_event)
    with pytest.raises(LedgerError, match=r"lock of the ledger.*was removed"):
        first.run()
    threads[0].join()
    assert second[0].ok
    assert posts(sandbox) == 16
    made = cast("list[dict[str, Any]]", sandbox.jobs)
    assert len({job["metadata"]["musicai_sdk.idempotency_key"] for job in made}) == 16


def test_two_runs_pay_once_without_working_locks(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file server that grants every lock: two runs pay for each track once."""
    from musicai_sdk.batch.ledger import lock

    def take(_file: object) -> bool:
        return True

    monkeypatch.setattr(lock, "try_lock", take)
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 16)
    reports, told = list[Any](), list[Event]()
    start = threading.Barrier(2)

    def run() -> None:
        batch = echo(sandbox, source, out, keep_jobs=True, in_flight=4, on_event=told.append)
        start.wait()
        reports.append(batch.run())

    assert echo(sandbox, make_tracks(tmp_path / "first", 1, start=99), out, keep_jobs=True).run().ok
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.ok for report in reports] == [True, True]
    assert posts(sandbox) == 17
    assert any("another run" in event.message for event in told if event.kind == "warning")


def test_a_lock_removed_before_it_is_acquired(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite3"
    first = Ledger(path, "s", "i")
    with pytest.raises(LedgerLockedError):
        Ledger(path, "s", "i")
    first.close()
    Ledger(path, "s", "i").close()


# --- what was paid


def test_every_paid_request_is_recorded(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (path,) = make_tracks(source, 1)
    sandbox.faults.add("POST /job", job_error="BAD_INPUT", times=2)
    reports = [echo(sandbox, source, out, retry_failed=bool(number)).run() for number in range(3)]
    assert [report.jobs_created for report in reports] == [1, 1, 1]
    with open_ledger(out / LEDGER) as view:
        attempts = list(view.attempts())
        assert list(view.attempts(str(path))) == attempts
        assert list(view.attempts("part 0/track 0")) == attempts
        assert not list(view.attempts("nothing"))
        assert (view.jobs_created(), view.tracks_paid()) == (3, 1)
    assert [(each.number, each.reason, each.outcome, each.code) for each in attempts] == [
        (1, "first", "failed", "BAD_INPUT"),
        (2, "retry_failed", "failed", "BAD_INPUT"),
        (3, "retry_failed", "succeeded", None),
    ]
    assert len({each.idempotency_key for each in attempts}) == 3
    assert [each.run for each in attempts] == [report.run for report in reports]
    left = {str(job["id"]) for job in sandbox.jobs}
    assert set(reports[2].jobs_left) == left == {attempts[0].job_id, attempts[1].job_id}
    assert attempts[2].deleted_at is not None


def test_refused_requests_are_recorded_as_free(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 1)
    sandbox.faults.add("POST /job", status=429, retry_after=0, nth=1)
    sandbox.faults.add("POST /job", reset="before", nth=2)
    report = echo(
        *(sandbox, source, out),
        connect=lambda: sandbox.async_client(max_retries=0),
        retry_uncertain=True,
        grace=0.0,
    ).run()
    assert report.ok
    assert (report.jobs_created, report.jobs_left) == (1, [])
    with open_ledger(out / LEDGER) as view:
        seen = [(each.reason, each.outcome) for each in view.attempts()]
    assert seen == [("first", "refused"), ("resent", "absent"), ("lost", "succeeded")]


def test_a_request_is_recorded_before_it_is_sent(running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 2)
    running.add_fault("POST /job", hang="before", nth=1, times=2)
    process = running.start(source, out)
    wait_until(lambda: (out / LEDGER).exists() and _creating(out) == 2)
    wait_until(lambda: running.hits() == 2)
    kill(process)
    with open_ledger(out / LEDGER) as view:
        assert [(each.outcome, each.job_id) for each in view.attempts()] == [("sent", None)] * 2
        assert view.jobs_created() == 0
    assert running.run(source, out)["done"] == 2
    with open_ledger(out / LEDGER) as view:
        assert sorted(each.outcome for each in view.attempts()) == ["absent"] * 2 + ["succeeded"] * 2
        assert (view.jobs_created(), view.tracks_paid(), view.jobs_left()) == (2, 2, [])


def _creating(out: Path) -> int:
    with open_ledger(out / LEDGER) as view:
        return view.counts().get("creating", 0)


# --- ledgers of older versions


OLD = Path(__file__).parents[1] / "data" / "ledger-2.0.0.sqlite3"
"""A ledger of musicai-sdk 2.0.0, with a track in almost every state; its inputs were in /tmp/bfx/w/in."""


def old_ledger(sandbox: Sandbox, tmp_path: Path) -> tuple[Path, Path]:
    """The old ledger with its inputs, results and jobs."""
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 10)
    out.mkdir()
    shutil.copy(OLD, out / LEDGER)
    with closing(sqlite3.connect(out / LEDGER)) as db, db, sandbox.client() as client:
        for table in ("tracks", "inputs"):
            db.execute(f"UPDATE {table} SET source = replace(source, '/tmp/bfx/w/in', ?)", [str(source)])
        # Verified results exist as recorded.
        for name, path in db.execute("SELECT name, path FROM outputs").fetchall():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_text("{}") if not name else shutil.copy(
                source / Path(path).parent.with_suffix(".wav"), out / path
            )
        from musicai_sdk import CustomWorkflow

        db.execute("UPDATE tracks SET uploaded_at = 0")  # to the sandbox of that time
        rows = db.execute("SELECT key, source, idempotency_key, job_id, state FROM tracks").fetchall()
        for key, path, token, job_id, state in rows:
            number = int(Path(path).stem.partition(" ")[2])
            if state == "deleted" or (job_id is None and number != 7):
                continue  # no job, or one whose POST never arrived
            url = client.files.upload(path).url
            token = token or "a token that the ledger has forgotten"
            made = client.jobs.create(
                CustomWorkflow("sdk-test", {"file": url}), name=Path(path).stem, idempotency_key=token
            )
            if job_id is not None:
                db.execute("UPDATE tracks SET job_id = ? WHERE key = ?", [made.id, key])
    sandbox.faults.clear()
    return source, out


def test_a_ledger_of_version_2_is_continued(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = old_ledger(sandbox, tmp_path)
    with open_ledger(out / LEDGER) as view:
        before = list(view.attempts())
        counts = view.counts()
        assert {track.run for track, _ in view.tracks()} == {None}
    sent = posts(sandbox)
    report = echo(sandbox, source, out, keep_jobs=True).run()
    with open_ledger(out / LEDGER) as view:
        after = list(view.attempts())
    # Only the POST that certainly never arrived is sent; the job of the other one is found.
    assert counts["creating"] == 2
    assert posts(sandbox) == sent + 1
    assert report.jobs_created == 1
    assert report.progress.states == {"deleted": 2, "verified": 6, "failed": 1, "uncertain": 1}
    assert len(before) == 10
    assert len(after) == 11
    outcomes = sorted(each.outcome for each in before)
    assert outcomes == sorted(["succeeded"] * 5 + ["created", "failed", "uncertain"] + ["sent"] * 2)
    failed = next(each for each in after if each.outcome == "failed")
    assert (failed.code, failed.job_id is not None) == ("BAD_INPUT", True)
    with closing(sqlite3.connect(out / LEDGER)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (4,)


def test_a_ledger_of_version_3_is_continued(sandbox: Sandbox, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_wavs(source, [3.0] * 3)
    echo(sandbox, source, out, max_jobs=1).run()
    with closing(sqlite3.connect(out / LEDGER)) as db:
        tables = ("tracks", "job_attempts", "queue")
        db.executescript("".join(f"ALTER TABLE {table} DROP COLUMN audio_ms;" for table in tables))
        db.execute("PRAGMA user_version = 3")
    with open_ledger(out / LEDGER) as view:
        assert [(each.outcome, each.audio_ms) for each in view.attempts()] == [("succeeded", None)]
        assert (view.cost().jobs, view.cost().unmeasured) == (1, 1)
    warnings = list[Event]()
    report = echo(sandbox, source, out, max_minutes=0.05, on_event=warnings.append).run()
    assert (report.progress.done, report.progress.waiting) == (2, 1)
    assert "the length of the audio of 1 jobs that are paid for is unknown" in str(warnings)
    assert echo(sandbox, source, out).run().ok
    assert posts(sandbox) == 3


# --- services that don't return keys


@pytest.mark.parametrize(
    "quirk", [{"metadata": "null"}, {"metadata": "dropped"}, {"list_view": "no_metadata"}]
)
def test_a_lost_answer_when_the_list_has_no_keys(
    quirk: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.quirks = Quirks(**quirk)
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 4)
    sandbox.faults.add("POST /job", reset="after", nth=2)
    told = list[Event]()
    report = echo(sandbox, source, out, keep_jobs=True, grace=1.0, on_event=told.append).run()
    shown = quirk.get("list_view") == "no_metadata"  # a GET returns it
    assert posts(sandbox) == 4
    assert report.progress.states == ({"verified": 4} if shown else {"verified": 3, "uncertain": 1})
    warnings = [event.message for event in told if event.kind == "warning"]
    assert [("dashboard" in warning) for warning in warnings] == ([] if shown else [True])
    for _ in range(2):
        echo(sandbox, source, out, keep_jobs=True, grace=1.0).run()
    assert posts(sandbox) == 4
    if not shown:
        assert echo(sandbox, source, out, keep_jobs=True, grace=1.0, retry_uncertain=True).run().ok
        assert posts(sandbox) == 5, "the user decides, after a look in the dashboard"


def test_the_content_of_the_claim(sandbox: Sandbox, tmp_path: Path) -> None:
    _, out = done(sandbox, tmp_path)
    said = json.loads((out / CLAIM).read_text())
    with closing(sqlite3.connect(out / LEDGER)) as db:
        meta = dict(db.execute("SELECT name, value FROM meta").fetchall())
    assert (said["id"], said["ledger"], said["commits"]) == (meta["id"], LEDGER, int(meta["commits"]))
    assert "in_use" not in meta
