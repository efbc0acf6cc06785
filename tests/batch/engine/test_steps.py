"""Runs with rare events: nothing is paid twice, nothing is lost, and every run ends."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import CustomWorkflow
from musicai_sdk.batch import Batch, Event, Watch, open_ledger
from musicai_sdk.batch.results import verify
from musicai_sdk.batch.results.output import OutputRecord
from musicai_sdk.errors import IntegrityError
from musicai_sdk.sandbox import Sandbox
from support.batch import echo, in_ledger, lost_post, make_tracks, posts


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def in_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox that shards find by their environment."""
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    return sandbox


def test_a_clock_that_was_ahead_at_the_post(sandbox: Sandbox, source: Path, out: Path) -> None:
    """The job is found behind newer jobs of others, although the ledger says that its POST was sent later."""
    (path,) = make_tracks(source, 1)
    lost_post(sandbox, source, out)
    with sandbox.client() as client:
        url = client.files.upload(path).url
        client.jobs.create(CustomWorkflow("sdk-test", {"file": url}))
    batch = echo(sandbox, source, out)
    in_ledger(batch, "UPDATE tracks SET state = 'creating', creating_at = creating_at + 2 * 86400")
    assert batch.run().ok
    assert posts(sandbox) == 2
    assert len(sandbox.jobs) == 1


def test_a_clock_that_was_ahead_at_the_upload(sandbox: Sandbox, source: Path, out: Path) -> None:
    """An upload in the future has an unknown age, and its URL has expired."""
    make_tracks(source, 1)
    batch = lost_for_good(sandbox, source, out, upload_lifetime=3600.0)
    in_ledger(batch, "UPDATE tracks SET uploaded_at = uploaded_at + 30 * 86400")
    sandbox.clock.advance(10 * 86400)
    assert batch.run().ok


def lost_for_good(sandbox: Sandbox, source: Any, out: Path, **options: Any) -> Batch:
    """A run that finds a POST that may have been sent, although it wasn't."""
    lost_post(sandbox, source, out)
    with sandbox.client() as client:
        for job in client.jobs.list():
            client.jobs.delete(job)
    batch = echo(sandbox, source, out, grace=0.0, **options)
    in_ledger(batch, "UPDATE tracks SET state = 'creating'")
    return batch


def test_a_lost_post_of_a_file_that_was_renamed(sandbox: Sandbox, source: Path, out: Path) -> None:
    (path,) = make_tracks(source, 1)
    batch = lost_for_good(sandbox, source, out, upload_lifetime=0.0)
    path.rename(path.with_name("another name.wav"))
    assert batch.run().ok
    with open_ledger(batch.ledger) as ledger:
        assert [Path(track.source).name for track, _ in ledger.tracks()] == ["another name.wav"]


def test_a_failure_names_the_existing_path(sandbox: Sandbox, source: Path, out: Path) -> None:
    (path,) = make_tracks(source, 1)
    lost_post(sandbox, source, out)
    path.rename(path.with_name("another name.wav"))
    sandbox.faults.add("GET /job", body=[])
    (failure,) = echo(sandbox, source, out, grace=0.0).run().failures()
    assert (failure.state, Path(failure.source).name) == ("uncertain", "another name.wav")


def test_an_expired_upload_of_a_renamed_file(sandbox: Sandbox, source: Path, out: Path) -> None:
    (path,) = make_tracks(source, 1)
    batch = lost_for_good(sandbox, source, out, upload_lifetime=0.0)
    in_ledger(batch, "UPDATE tracks SET state = 'uploaded', idempotency_key = NULL, creating_at = NULL")
    path.rename(path.with_name("another name.wav"))
    # Another file is at its old path now.
    path.write_bytes(b"RIFF another one")
    report = batch.run()
    assert (report.ok, report.progress.states) == (True, {"deleted": 2})


@pytest.mark.parametrize("later", ["in this run", "in the next one"])
def test_a_file_that_is_renamed_before_its_upload(
    later: str, sandbox: Sandbox, source: Path, out: Path
) -> None:
    (path,) = make_tracks(source, 1)
    renamed = path.with_name("another name.wav")
    failed = threading.Event()

    def one_after_the_other() -> Iterator[Path]:
        yield path
        assert failed.wait(30)
        time.sleep(0.1)  # until its task has ended too
        if later == "in this run":
            yield renamed

    def on_event(event: Event) -> None:
        if event.state == "seen" and path.exists():
            path.rename(renamed)
        if event.state == "failed":
            failed.set()

    report = echo(sandbox, one_after_the_other(), out, on_event=on_event).run()
    if later == "in the next one":
        assert [each.code for each in report.failures()] == ["SourceNotFoundError"]
        report = echo(sandbox, source, out).run()
    assert (report.ok, report.progress.states, posts(sandbox)) == (True, {"deleted": 1}, 1)


def test_a_failed_upload_keeps_a_lost_post_open(sandbox: Sandbox, source: Path, out: Path) -> None:
    make_tracks(source, 1)
    lost_post(sandbox, source, out)
    sandbox.faults.add("GET /job", body=[])
    sandbox.faults.add("PUT *", status=403)
    unlucky = echo(sandbox, source, out, grace=0.0, retry_uncertain=True, upload_lifetime=0.0, max_attempts=1)
    assert unlucky.run().progress.states == {"uncertain": 1}
    sandbox.faults.clear()
    assert echo(sandbox, source, out, retry_failed=True).run().ok
    assert posts(sandbox) == 1


def test_a_refused_second_post_keeps_the_first_one_open(sandbox: Sandbox, source: Path, out: Path) -> None:
    make_tracks(source, 1)
    lost_post(sandbox, source, out)
    sandbox.faults.add("GET /job", body=[])
    sandbox.faults.add("POST /job", status=422)
    report = echo(sandbox, source, out, grace=0.0, retry_uncertain=True).run()
    assert [each.code for each in report.failures()] == ["UNPROCESSABLE_ENTITY"]
    sandbox.faults.clear()
    assert echo(sandbox, source, out, retry_failed=True).run().ok
    assert posts(sandbox) == 2, "the job of the first one was found"


@pytest.mark.parametrize("status", [408, 499, 504])
def test_a_gateway_timeout_after_the_service_has_acted(
    status: int, sandbox: Sandbox, source: Path, out: Path
) -> None:
    make_tracks(source, 1)
    sandbox.faults.add("POST /job", status=status, acted=True, nth=1)
    assert echo(sandbox, source, out).run().ok
    assert posts(sandbox) == 1


def test_later_copies_of_a_failed_input_are_not_paid_again(sandbox: Sandbox, source: Path, out: Path) -> None:
    source.mkdir()
    paths = [source / f"{name}.wav" for name in "abc"]
    for path in paths:
        path.write_bytes(b"the same")
    failed = threading.Event()

    def one_after_the_other() -> Iterator[Path]:
        yield paths[0]
        assert failed.wait(30)
        time.sleep(0.1)  # until its task has ended too
        yield from paths[1:]

    def on_event(event: Event) -> None:
        if event.state == "failed":
            failed.set()

    sandbox.faults.add("POST /job", job_error="BAD_INPUT")
    report = echo(sandbox, one_after_the_other(), out, retry_failed=True, on_event=on_event).run()
    assert (report.progress.failed, report.progress.duplicates, posts(sandbox)) == (1, 2, 1)
    assert echo(sandbox, source, out, retry_failed=True).run().progress.failed == 1
    assert posts(sandbox) == 2, "another run retries it once"


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_file_that_changes_before_its_upload(
    change: str, sandbox: Sandbox, source: Path, out: Path
) -> None:
    (path,) = make_tracks(source, 1)
    before = path.read_bytes()

    def on_event(event: Event) -> None:
        if event.state == "seen" and path.read_bytes() == before:
            if change == "content":
                path.write_bytes(before.upper())
            os.utime(path, ns=(1, 1))

    report = echo(sandbox, source, out, on_event=on_event).run()
    if change == "time":
        assert report.ok
        return
    (failure,) = report.failures()
    assert "changed since it was read" in failure.message
    assert posts(sandbox) == 0
    report = echo(sandbox, source, out).run()
    assert (report.progress.done, posts(sandbox)) == (1, 1)
    assert next(out.rglob("file.wav")).read_bytes() == before.upper()


def test_a_file_that_changes_during_its_upload(sandbox: Sandbox, source: Path, out: Path) -> None:
    (path,) = make_tracks(source, 1)
    sandbox.faults.add("PUT *", delay=1.0, times=1)

    def change() -> None:
        while not any(entry.path == "/v1/upload" for entry in sandbox.requests):
            time.sleep(0.01)
        path.write_bytes(path.read_bytes().upper())

    changing = threading.Thread(target=change)
    changing.start()
    report = echo(sandbox, source, out).run()
    changing.join()
    assert ["changed since it was read" in each.message for each in report.failures()] == [True]
    assert posts(sandbox) == 0


def test_a_lost_post_is_repeated_with_the_newest_url(sandbox: Sandbox, source: Path, out: Path) -> None:
    with sandbox.client() as client:
        fresh = client.files.upload(make_tracks(source, 1)[0]).url
    sandbox.faults.add("POST /job", reset="before", nth=1)
    sandbox.faults.add("GET /job", body=[])
    expired = fresh.replace("Signature=", "Signature=expired")
    assert echo(sandbox, [expired], out, grace=0.0).run().progress.states == {"uncertain": 1}
    sandbox.faults.clear()
    report = echo(sandbox, [fresh], out, grace=0.0, retry_uncertain=True, keep_jobs=True).run()
    assert (report.ok, report.progress.known, report.progress.done) == (True, 1, 1)
    params: list[Any] = [job["workflowParams"] for job in sandbox.jobs]
    assert [each["file"] for each in params] == [fresh]


def test_the_wait_for_a_newer_url_is_limited(sandbox: Sandbox, source: Path, out: Path) -> None:
    with sandbox.client() as client:
        url = client.files.upload(make_tracks(source, 1)[0]).url
    sandbox.faults.add("POST /job", reset="before", nth=1)
    sandbox.faults.add("GET /job", body=[])
    assert echo(sandbox, [url], out, grace=0.0).run().progress.states == {"uncertain": 1}
    sandbox.faults.clear()
    (source / "incoming").mkdir()

    def on_event(event: Event) -> None:
        if event.state == "deleted":
            batch.drain()

    batch = echo(sandbox, Watch(source / "incoming"), out, grace=0.0, retry_uncertain=True, on_event=on_event)
    assert batch.run().progress.states == {"deleted": 1}


def test_an_observer_that_raises_ends_the_run_and_fails_no_track(
    sandbox: Sandbox, source: Path, out: Path
) -> None:
    make_tracks(source, 5)

    def on_event(event: Event) -> None:
        if event.state == "creating":
            raise RuntimeError("the display is gone")

    batch = echo(sandbox, source, out, on_event=on_event)
    with pytest.raises(RuntimeError, match="the display is gone"):
        batch.run()
    with open_ledger(batch.ledger) as ledger:
        assert not list(ledger.failures())
        assert all(track.error_code is None for track, _ in ledger.tracks())
    assert echo(sandbox, source, out).run().progress.done == 5
    assert posts(sandbox) == 5


def test_an_observer_that_raises_ends_a_run_in_shards(
    in_environment: Sandbox, source: Path, out: Path
) -> None:
    sandbox = in_environment
    make_tracks(source, 2)

    def on_event(event: Event) -> None:
        if event.kind == "state":
            raise RuntimeError("the display is gone")

    with ThreadPoolExecutor(1) as executor:
        batch = echo(sandbox, source, out, connect=None, executor=executor, shards=1, on_event=on_event)
        with pytest.raises(RuntimeError, match="the display is gone"):
            batch.run()
    assert not batch.ledger.with_name(batch.ledger.name + ".shards").exists(), "the work of shards is merged"
    assert echo(sandbox, source, out).run().progress.done == 2
    assert posts(sandbox) == 2


def test_a_list_that_can_never_be_read(sandbox: Sandbox, source: Path, out: Path) -> None:
    make_tracks(source, 3)
    sandbox.faults.add("POST /job", reset="after", nth=1)
    sandbox.faults.add("GET /job", status=400)
    report = echo(sandbox, source, out, in_flight=1, retry_uncertain=True).run()
    assert report.progress.states == {"deleted": 2, "uncertain": 1}
    (failure,) = report.failures()
    assert failure.code == "CreateUncertainError"
    assert "the next run searches for the job" in failure.message
    sandbox.faults.clear()
    assert echo(sandbox, source, out).run().ok
    assert posts(sandbox) == 3


def test_a_list_that_cannot_be_read_for_a_while(sandbox: Sandbox, source: Path, out: Path) -> None:
    make_tracks(source, 1)
    sandbox.faults.add("POST /job", reset="after", nth=1)
    fault = sandbox.faults.add("GET /job", status=503)
    impatient = partial(sandbox.async_client, max_retries=0)
    report = echo(sandbox, source, out, grace=0.0, connect=impatient).run()
    assert report.progress.states == {"uncertain": 1}
    assert fault.hits == 4
    sandbox.faults.clear()
    assert echo(sandbox, source, out).run().ok
    assert posts(sandbox) == 1


def test_a_drain_during_a_wait_for_the_ledger(sandbox: Sandbox, source: Path, out: Path) -> None:
    path = make_tracks(source, 1)[0]
    let_go, ended = threading.Event(), list[bool]()

    def inputs() -> Iterator[Path]:
        yield path
        let_go.wait(10)
        ended.append(let_go.is_set())

    def on_event(event: Event) -> None:
        if event.kind == "started":
            other = sqlite3.connect(batch.ledger, isolation_level=None, check_same_thread=False)
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(0.3, batch.drain).start()
            threading.Timer(0.6, other.close).start()

    batch = echo(sandbox, inputs(), out, on_event=on_event)
    assert batch.run().progress.draining
    assert not ended, "the run doesn't wait for the end of its inputs"
    let_go.set()
    assert posts(sandbox) == 0


def test_a_drain_or_a_stop_after_the_end(sandbox: Sandbox, source: Path, out: Path) -> None:
    make_tracks(source, 1)
    batch = echo(sandbox, source, out)
    assert batch.run().ok
    batch.drain()
    batch.stop()

    async def main() -> None:
        batch = echo(sandbox, source, out)
        assert (await batch.run_async()).ok
        batch.stop()
        await asyncio.sleep(0.01)  # a stop would be felt here

    asyncio.run(main())


def test_a_clock_that_was_set_back_and_a_job_that_is_gone(sandbox: Sandbox, source: Path, out: Path) -> None:
    make_tracks(source, 1)

    def on_event(event: Event) -> None:
        if event.state == "created":
            batch.stop()

    batch = echo(sandbox, source, out, on_event=on_event)
    with pytest.raises(KeyboardInterrupt):
        batch.run()
    in_ledger(batch, "UPDATE tracks SET created_at = created_at + 3600")
    with sandbox.client() as client:
        for job in client.jobs.list():
            client.jobs.delete(job)
    again = echo(sandbox, source, out, grace=0.2)
    patience = threading.Timer(20, again.stop)
    patience.start()
    assert [each.code for each in again.run().failures()] == ["JOB_GONE"]
    patience.cancel()


def test_a_shard_whose_progress_cannot_be_written(in_environment: Sandbox, source: Path, out: Path) -> None:
    sandbox = in_environment
    make_tracks(source, 2)
    events = list[Event]()
    taken = Path(f"{out / '.musicai-batch.sqlite3'}.shards/0000.sqlite3.progress")

    def on_event(event: Event) -> None:
        events.append(event)
        if event.kind == "started":
            taken.mkdir(parents=True)  # a folder can't be replaced by a file
        elif event.state == "verified" and taken.is_dir():
            taken.rmdir()

    sandbox.faults.add("POST /job", job_seconds=1.2)
    with ThreadPoolExecutor(1) as executor:
        batch = echo(sandbox, source, out, connect=None, executor=executor, shards=1, on_event=on_event)
        assert batch.run().ok
    assert [event.message for event in events if event.kind == "warning"] == []


def test_an_empty_file_is_not_a_result(sandbox: Sandbox, source: Path, out: Path) -> None:
    """The next run fetches the paid results, whatever its inputs and options."""
    make_tracks(source, 1)
    empty = sandbox.faults.add("GET /cdn/*", status=200, body=b"")
    report = echo(sandbox, source, out, max_attempts=1).run()
    (failure,) = report.failures()
    assert (failure.code, "is empty" in failure.message) == ("IntegrityError", True)
    assert (len(sandbox.jobs), empty.hits) == (1, 2), "once more with a new URL"
    sandbox.faults.clear()
    (source.parent / "other").mkdir()
    others = make_tracks(source.parent / "other", 1, start=7)
    report = echo(sandbox, others, out).run()
    assert (report.progress.states, report.progress.failed) == ({"deleted": 2}, 0)
    assert (posts(sandbox), sandbox.jobs) == (2, [])
    assert all(path.stat().st_size for path in out.rglob("file.wav"))


def test_paid_results_are_fetched_without_a_retry_option(sandbox: Sandbox, source: Path, out: Path) -> None:
    make_tracks(source, 4)
    sandbox.faults.add("GET /cdn/*", status=404)
    sandbox.faults.add("POST /job", job_error="BAD_INPUT", nth=1)
    assert echo(sandbox, source, out, max_attempts=1).run().progress.states == {"failed": 4}
    sandbox.faults.clear()
    report = echo(sandbox, source, out).run()
    assert (report.progress.states, report.progress.done) == ({"deleted": 3, "failed": 1}, 3)
    assert [each.code for each in report.failures()] == ["BAD_INPUT"]
    assert posts(sandbox) == 4


def test_folders_that_cannot_be_forced_onto_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network file systems. Every folder up to the output folder is synced, because all may be new."""
    path = tmp_path / "out" / "album" / "song" / "file.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"paid for")
    tried, real = list[os.stat_result](), os.fsync

    def fsync(descriptor: int) -> None:
        tried.append(os.fstat(descriptor))
        if stat.S_ISDIR(tried[-1].st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    output = OutputRecord("file", "album/song/file.wav", 8, None)
    (checked,) = verify.verified([output], tmp_path / "out")
    assert checked.sha256 is not None
    expected = [path, *path.parents[:3]]
    assert {each.st_ino for each in tried} == {each.stat().st_ino for each in expected}


def test_a_system_that_forces_only_what_is_open_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "file").write_bytes(b"paid for")
    forced, real = list[int](), os.fsync

    def fsync(descriptor: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                raise OSError(errno.EBADF, "Bad file descriptor")
            forced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(verify, "SYNC_NEEDS_WRITING", True)
    verify.verified([OutputRecord("file", "file", 8, None)], tmp_path)
    assert len(forced) == 1
    with pytest.raises(IntegrityError, match="missing"):
        verify.verified([OutputRecord("file", "gone", 8, None)], tmp_path)
