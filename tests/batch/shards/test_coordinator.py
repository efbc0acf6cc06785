"""Runs on executors: threads, processes, and Dask workers of which one is killed."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from batch.engine.test_steps_killed import LEDGER, check
from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch import (
    Batch,
    Event,
    LedgerError,
    LedgerLockedError,
    ShardsFailedError,
    open_ledger,
    plan,
    set_aside,
)
from musicai_sdk.batch.ledger.files import shard_folder
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.shards.worker import run_shard
from support.batch import SCALE, Service, leftovers, make_tracks, wait_until


@pytest.fixture
def at_home(running: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    for name, value in running.variables.items():
        monkeypatch.setenv(name, value)
    return running


def sharded(source: Any, out: Path, executor: Executor, **options: Any) -> Batch:
    options = {"in_flight": 12, "grace": 1.0, "poll_interval": 0.2, "shards": 3, "keep_jobs": True, **options}
    return Batch("sdk-test", source, out, input_name="file", executor=executor, **options)


def test_threads_and_processes(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 20)
    events = list[Event]()
    with ThreadPoolExecutor(3) as executor:
        report = sharded(source, out, executor, on_event=events.append).run()
    assert report.ok
    assert (report.progress.done, report.progress.states) == (20, {"verified": 20})
    assert sum(event.kind == "state" and event.state == "created" for event in events) == 20
    check(at_home, tracks, source, out)

    tracks[0].rename(source / "renamed.wav")
    (source / "copy.wav").write_bytes(tracks[1].read_bytes())
    more = make_tracks(source, 5, start=50)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        report = sharded(source, out, executor).run()
    assert report.ok
    assert (report.progress.known, report.progress.done) == (26, 26)
    assert len(at_home.jobs()) == 25, "every shard knows the content under other names"
    assert all((out / path.relative_to(source).with_suffix("") / "file.wav").is_file() for path in more)
    assert not leftovers(out)


def test_equal_contents_go_to_the_same_shard(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(24):
        (source / f"{number}.wav").write_bytes(f"content {number % 6}".encode())
    with ThreadPoolExecutor(3) as executor:
        report = sharded(source, out, executor).run()
    assert report.ok
    assert len(at_home.jobs()) == 6


def test_a_drain_stops_the_distribution(at_home: Service, tmp_path: Path) -> None:
    def endless() -> Iterator[str]:
        for number in itertools.count():
            if number == 3000:
                batch.drain()
            yield f"https://example.invalid/{number}.wav"

    with ThreadPoolExecutor(3) as executor:
        batch = sharded(endless(), tmp_path / "out", executor)
        report = batch.run()
    assert not report.ok
    assert not report.progress.complete
    assert at_home.jobs() == []


class Recording(Executor):
    """Pickles every task as a cluster does, and keeps the pickles."""

    def __init__(self) -> None:
        self.tasks = list[bytes]()
        self._threads = ThreadPoolExecutor(4)

    @override
    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks.append(pickle.dumps((function, args, kwargs)))
        function, args, kwargs = pickle.loads(self.tasks[-1])
        return self._threads.submit(function, *args, **kwargs)

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)


def test_the_key_is_in_no_task_and_no_file(at_home: Service, tmp_path: Path) -> None:
    key = at_home.variables["MUSIC_AI_API_KEY"].encode()
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 6)
    kept = list[bytes]()

    def on_event(_event: Event) -> None:
        kept.extend(path.read_bytes() for path in tmp_path.rglob("*sqlite3*") if path.is_file())

    with Recording() as executor:
        assert sharded(source, out, executor, on_event=on_event).run().ok
    assert len(executor.tasks) > 1
    assert kept
    assert not [data for data in (*executor.tasks, *kept) if key in data]
    assert {task[1][1].in_flight for task in map(pickle.loads, executor.tasks)} <= {4, 6, 12}


class Losing(Recording):
    """Loses its first tasks, like a cluster whose machines fail."""

    def __init__(self, lose: int) -> None:
        super().__init__()
        self.lose = lose

    @override
    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.lose:
            self.lose -= 1
            lost = Future[Any]()
            lost.set_exception(RuntimeError("the machine is gone"))
            return lost
        return super().submit(function, *args, **kwargs)


def test_lost_tasks(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 9)
    with Losing(2) as executor:
        assert sharded(source, out, executor).run().ok
    check(at_home, tracks, source, out)
    make_tracks(source, 9, start=20)
    with (
        Losing(99) as executor,
        pytest.raises(ShardsFailedError, match="start the same run again to continue"),
    ):
        sharded(source, out, executor).run()
    assert not leftovers(out), "the main ledger has everything"
    with ThreadPoolExecutor(2) as executor:
        assert sharded(source, out, executor).run().progress.done == 18


def test_shards_of_a_crashed_run_are_merged(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 30)
    process = at_home.start(source, out, keep_jobs=True, dask=1)
    wait_until(lambda: len(at_home.jobs()) >= 10)
    # The whole machine goes down: the runner and its workers.
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert list(shard_folder(out / LEDGER).glob("*.sqlite3"))
    assert at_home.run(source, out, keep_jobs=True)["done"] == 30
    check(at_home, tracks, source, out)


class Interrupted(Executor):
    """Stops the run at once when it submits a task, as a second Ctrl-C does. Its shards are left."""

    def __init__(self) -> None:
        self.stop: Callable[[], object] = list

    @override
    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.stop()
        return Future()


@pytest.mark.parametrize("lost", ["0001.sqlite3", ""], ids=["one", "all"])
def test_missing_shards_of_an_interrupted_run(lost: str, at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 9)
    interrupted = Interrupted()
    batch = sharded(source, out, interrupted)
    interrupted.stop = batch.stop
    with pytest.raises(KeyboardInterrupt):
        batch.run()
    folder = shard_folder(out / LEDGER)
    aside = tmp_path / "aside"
    (folder / lost).rename(aside)
    with ThreadPoolExecutor(3) as threads:
        for executor in (None, threads):
            with pytest.raises(LedgerError, match=r"which lacks .*0001\.sqlite3.*adopt=True"):
                Batch("sdk-test", source, out, input_name="file", executor=executor).run()
    with pytest.raises(LedgerError, match=r"\.shards.*adopt=True"):
        plan("sdk-test", source, out, input_name="file")
    assert at_home.jobs() == []
    if lost:
        aside.rename(folder / lost)
    progress = at_home.run(source, out, keep_jobs=True, adopt=not lost)
    assert progress["done"] == 9
    assert at_home.run(source, out, keep_jobs=True)["skipped"] == 9, "the ledger is complete again"
    check(at_home, tracks, source, out)


def test_results_that_the_main_ledger_does_not_know(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 1)
    at_home.run(source, out)
    older = (out / LEDGER).read_bytes()
    make_tracks(source, 6)
    at_home.run(source, out)
    (out / LEDGER).write_bytes(older)
    (out / ".musicai-batch.ledger").unlink()
    with ThreadPoolExecutor(3) as executor:
        with pytest.raises(LedgerError, match=r"doesn't know.*adopt=True"):
            sharded(source, out, executor).run()
        assert at_home.jobs() == []
        report = sharded(source, out, executor, adopt=True).run()
        assert (report.ok, report.jobs_created) == (True, 5)
        assert sharded(source, out, executor).run().progress.skipped == 6
    assert len(list(out.rglob("file.wav"))) == 11


def crashed(at_home: Service, source: Path, out: Path) -> Path:
    """The shard of a run whose machine failed while a job was under way."""
    shard = shard_folder(out / LEDGER) / "0000.sqlite3"

    def on_event(event: Event) -> None:
        if event.kind == "state" and event.state == "created":
            batch.drain()

    def connect() -> AsyncMusicAiClient:
        return AsyncMusicAiClient(allow_http=True)

    batch = Batch(
        "sdk-test", source, out, ledger=shard, input_name="file", connect=connect, on_event=on_event
    )
    batch.run()
    (out / ".musicai-batch.ledger").unlink()
    Ledger(out / LEDGER, "sdk-test", "file", out=out).close()
    return shard


def test_archive_after_a_crash(at_home: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 1)
    shard = crashed(at_home, source, out)
    monkeypatch.setattr("musicai_sdk.batch.shards.transfer.PATIENCE", 0.2)
    busy = Ledger(shard, "sdk-test", "file", alone=True)
    with pytest.raises(LedgerLockedError):
        set_aside(out / LEDGER)
    busy.close()

    def killed(_path: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            set_aside(out / LEDGER)
    with ThreadPoolExecutor(1) as executor:
        assert sharded(source, out, executor).run().ok
    assert len(at_home.jobs()) == 1, "its shard is found"


def test_archive_includes_the_work_of_shards(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 1)
    crashed(at_home, source, out)
    aside = set_aside(out / LEDGER)
    assert not leftovers(out)
    with open_ledger(aside) as view:
        assert sum(view.counts().values()) == 1
    with ThreadPoolExecutor(1) as executor:
        assert sharded(source, out, executor).run().ok
    assert len(at_home.jobs()) == 2, "a new ledger knows nothing"


def test_the_report_has_the_whole_ledger(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    copied = make_tracks(source, 6)[0]
    states = list[int]()

    def on_event(_event: Event) -> None:
        states.append(sum(batch.progress.states.values()))

    with ThreadPoolExecutor(2) as executor:
        assert sharded(source, out, executor).run().ok
        make_tracks(source, 2, start=20)
        (source / "copy.wav").write_bytes(
            copied.read_bytes()
        )  # its track is distributed, although it is done
        batch = sharded(source, out, executor, on_event=on_event)
        report = batch.run()
        assert report.ok
        assert (report.progress.done, report.progress.states) == (9, {"verified": 8})
        assert set(states) <= {6, 7, 8}
        assert sharded(source, out, executor).run().progress.states == {"verified": 8}


def test_lost_progress_is_read_from_the_ledger(at_home: Service, tmp_path: Path) -> None:
    """The report includes the work of the shard, although its progress couldn't be written."""
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 2)
    taken = shard_folder(out / LEDGER) / "0000.sqlite3.progress"

    def on_event(event: Event) -> None:
        if event.kind == "started":
            taken.mkdir(parents=True)  # a folder can't be replaced by a file
        elif event.state == "verified" and taken.is_dir():
            taken.rmdir()

    with ThreadPoolExecutor(1) as executor:
        report = sharded(source, out, executor, shards=1, on_event=on_event).run()
    assert (report.ok, report.progress.states) == (True, {"verified": 2})


def test_a_missing_shard(at_home: Service, tmp_path: Path) -> None:
    """As on a worker that doesn't share the disk. It never creates an empty shard, which would look finished."""
    path = tmp_path / "shards" / "0000.sqlite3"
    with pytest.raises(LedgerError, match="shards need a disk that the workers share"):
        run_shard(str(path), RunOptions(slug="sdk-test", wire_input="file", out=str(tmp_path)))
    assert not path.parent.exists()


def test_shards_moved_during_a_run(at_home: Service, tmp_path: Path) -> None:
    source, out, away = tmp_path / "in", tmp_path / "out", tmp_path / "away"
    tracks = make_tracks(source, 30)

    def on_event(event: Event) -> None:
        if event.kind == "state" and event.state == "verified" and not away.exists():
            out.rename(away)

    with ThreadPoolExecutor(2) as executor:
        with pytest.raises(LedgerError, match="was removed or moved"):
            sharded(source, out, executor, shards=2, in_flight=2, on_event=on_event).run()
        if out.exists():  # a download was under way
            shutil.rmtree(out)
        away.rename(out)
        assert sharded(source, out, executor).run().ok
    check(at_home, tracks, source, out)


def test_two_workers_never_share_a_shard(at_home: Service, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("musicai_sdk.batch.shards.transfer.PATIENCE", 0.2)
    settings = RunOptions(slug="sdk-test", wire_input="file", out=str(tmp_path))
    path = tmp_path / "0.sqlite3"
    shard = Ledger(path, "sdk-test", "file", alone=True)
    with pytest.raises(LedgerLockedError, match=f"process {os.getpid()}"):
        run_shard(str(path), settings)
    shard.close()
    run_shard(str(path), settings)


def test_a_drain_reaches_the_workers(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    tracks = make_tracks(source, 60)

    def on_event(event: Event) -> None:
        if event.state == "verified":
            batch.drain()

    with ThreadPoolExecutor(3) as executor:
        batch = sharded(source, out, executor, on_event=on_event, in_flight=3)
        report = batch.run()
        assert report.progress.draining
        assert 0 < report.progress.done < 60
        assert sharded(source, out, executor).run().progress.done == 60
    check(at_home, tracks, source, out)


@pytest.mark.timeout(int(120 + 200 * SCALE))
def test_dask_with_a_worker_killed(at_home: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    count = int(60 * SCALE)
    tracks = make_tracks(source, count)
    began = time.monotonic()
    process = at_home.start(source, out, keep_jobs=True, dask=2)
    folder = shard_folder(out / LEDGER)
    wait_until(lambda: len(at_home.jobs()) >= count // 4, 60)
    # The worker that holds the lock of the first shard.
    pid = int((folder / "0000.sqlite3.lock").read_text().split()[1])
    assert pid != process.pid
    os.kill(pid, signal.SIGKILL)
    print(f"\nkilled worker {pid} at {len(at_home.jobs())} jobs", end="")
    output, _ = process.communicate(timeout=100 * max(1, SCALE))
    progress = json.loads(output.splitlines()[-1])
    print(f"; {count} tracks in {time.monotonic() - began:.0f} s:", progress["states"])
    assert (process.returncode, progress["done"], progress["states"]) == (0, count, {"verified": count})
    check(at_home, tracks, source, out)
    with open_ledger(out / LEDGER) as ledger:
        assert ledger.counts() == {"verified": count}
