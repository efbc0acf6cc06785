"""A watched folder: each file is processed once, when it is complete."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch import Batch, Event, Report, Watch, run
from musicai_sdk.batch.inputs.watch import Arrivals, open_for_writing
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from support.batch import Service, echo, leftovers, make_tracks, wait_until

SETTLE = 0.3
WRITER = """
import sys, time
with open(sys.argv[1], "wb") as file:
    for number in range(int(sys.argv[2])):
        file.write(b"RIFF %06d " % number * 50)
        file.flush()
        time.sleep(float(sys.argv[3]))
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems don't tell who writes")


class Going:
    """A run in a thread."""

    def __init__(self, batch: Batch, taken: list[str]) -> None:
        self.taken = taken
        self.reports = list[Report]()
        self.batch = batch
        self._thread = threading.Thread(target=lambda: self.reports.append(batch.run()))
        self._thread.start()

    def end(self) -> Report:
        self.batch.drain()
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.reports[0]


@contextmanager
def watching(running: Service, source: Path, out: Path, settle: float = SETTLE) -> Generator[Going]:
    taken = list[str]()

    def on_event(event: Event) -> None:
        if event.kind == "state" and event.state == "seen":
            taken.append(Path(event.source).name)

    def connect() -> AsyncMusicAiClient:
        key, address = (running.variables[f"MUSIC_AI_{name}"] for name in ("API_KEY", "BASE_URL"))
        return AsyncMusicAiClient(key, base_url=address)

    going = Going(
        Batch(
            "sdk-test",
            Watch(source, settle=settle),
            out,
            input_name="file",
            poll_interval=0.2,
            keep_jobs=True,
            connect=connect,
            on_event=on_event,
        ),
        taken,
    )
    try:
        yield going
    finally:
        if not going.reports:
            going.end()


def test_an_incomplete_file_is_not_processed(running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 2)
    with watching(running, source, out) as going:
        # The writer pauses for longer than `settle`.
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(source / "slow.wav"), "4", "0.6"])
        wait_until(lambda: (source / "slow.wav").exists())
        (source / ".hidden.wav").write_bytes(b"RIFF hidden")
        (tmp_path / "elsewhere.wav").write_bytes(b"RIFF moved")
        (tmp_path / "elsewhere.wav").rename(source / "moved.wav")
        wait_until(lambda: len(going.taken) == 3)
        if sys.platform == "linux":
            assert writer.poll() is None, "the others didn't wait for it"
            assert "slow.wav" not in going.taken
        assert writer.wait(20) == 0
        wait_until(lambda: "slow.wav" in going.taken)
        wait_until(lambda: going.batch.progress.done == 4)
        report = going.end()
    assert sorted(going.taken) == ["moved.wav", "slow.wav", "track 0.wav", "track 1.wav"]
    assert len(running.jobs()) == 4
    [echoed] = (out / "slow").glob("file*")
    assert echoed.read_bytes() == (source / "slow.wav").read_bytes()
    assert (report.progress.done, report.progress.rejected) == (4, 0)
    assert not leftovers(out)


def test_a_later_run_continues_and_processes_new_contents(running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    paths = make_tracks(source, 2)
    reports = list[Report]()
    for _ in range(2):
        with watching(running, source, out, settle=0) as going:
            wait_until(lambda: going.batch.progress.done == 2)
            reports.append(going.end())
    assert [report.progress.skipped for report in reports] == [0, 2]
    with watching(running, source, out, settle=0) as going:
        wait_until(lambda: going.batch.progress.done == 2)
        paths[0].write_bytes(b"RIFF another one")
        wait_until(lambda: going.taken == ["track 0.wav"])
        wait_until(lambda: len(running.jobs()) == 3)


def test_a_drain_ends_an_idle_watch_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    batch = echo(sandbox, Watch(tmp_path / "in"), tmp_path / "out")
    threading.Timer(0.3, batch.drain).start()
    assert batch.run().progress.known == 0
    wait_until(lambda: all(thread.name != "musicai-inputs" for thread in threading.enumerate()))


def test_a_file_that_is_renamed_while_it_waits_for_its_upload(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second = make_tracks(tmp_path / "in", 2)
    sandbox.faults.add("GET /upload", delay=2.0, nth=1)
    seen = list[Path]()

    def on_event(event: Event) -> None:
        if event.kind == "state" and event.state == "seen":
            seen.append(Path(event.source))
            if len(seen) == 2:
                # Uploads run one after the other, so this one hasn't begun.
                seen[1].rename(seen[1].with_name("renamed.wav"))

    watch = Watch(tmp_path / "in", settle=0.2)
    batch = echo(sandbox, watch, tmp_path / "out", on_event=on_event, uploads=1)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(batch.run)
        try:
            wait_until(lambda: batch.progress.done == 2, 10)
        finally:
            batch.drain()
        report = running.result()
    assert sorted(seen) == [first, second]
    assert (report.progress.states, report.progress.duplicates) == ({"deleted": 2}, 1)


def test_what_cannot_be_watched(sandbox: Sandbox, tmp_path: Path) -> None:
    for wrong in (Watch(tmp_path / "nowhere"), Watch(tmp_path, settle=-1)):
        with pytest.raises(InputError):
            run("sdk-test", wrong, tmp_path / "out", input_name="file", connect=sandbox.async_client)
    with ThreadPoolExecutor() as executor, pytest.raises(InputError, match="no end"):
        Batch("sdk-test", Watch(tmp_path), tmp_path / "out", executor=executor)


def taken(arrivals: Arrivals, *paths: Path) -> list[str]:
    return [Path(path).name for path in arrivals.complete({str(path): path.name for path in paths})]


def test_a_file_must_stay_unchanged(tmp_path: Path) -> None:
    path, empty = tmp_path / "a.wav", tmp_path / "b.wav"
    arrivals = Arrivals(0.05)
    empty.touch()
    for text in ("one", "longer"):
        path.write_text(text)
        assert taken(arrivals, path, empty) == [], "a new version"
    os.utime(path, ns=(0, 0))
    assert taken(arrivals, path, empty) == [], "it has another modification time"
    time.sleep(0.06)
    assert taken(arrivals, path, empty) == ["a.wav"]
    assert taken(arrivals, path, empty) == []
    assert taken(arrivals) == []
    assert taken(arrivals, path) == [], "after a removal, it is a new file"
    time.sleep(0.06)
    assert taken(arrivals, path) == ["a.wav"]


@LINUX
def test_files_open_for_writing(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with path.open("w") as file:
        file.write("RIFF")
        file.flush()
        assert open_for_writing(str(path))
        assert taken(Arrivals(0), path) == []
        with path.open() as _reader:
            assert open_for_writing(str(path))
    with path.open() as _reader:
        assert not open_for_writing(str(path))
    assert taken(Arrivals(0), path) == ["a.wav"]
    assert not open_for_writing(str(tmp_path / "nowhere"))
    assert not open_for_writing("/etc/hostname"), "unknown for a file of another user"
