"""Concurrent downloads to one target give one complete file or a clear error, never a mixture."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient, _locks
from musicai_sdk._core.object_version import Version
from musicai_sdk._core.resume import Partial
from musicai_sdk.errors import TransferError
from support.answering import Asked, answering, finished_job, head

SONGS = {"A": b"A" * 1_500_000, "B": b"B" * 1_200_000}
STEP = 100_000


@pytest.fixture
def origin() -> Iterator[str]:
    """Songs that are sent slowly, and jobs with them as results. `/A` and `/B` have no version to resume with."""

    def answer(request: Asked, connection: socket.socket) -> object:
        if request.path.startswith("/v1/job/"):
            connection.sendall(finished_job({"vocals": f"{url}/{request.path[-1]}/vocals.wav"}))
            return True
        song = SONGS[request.path[1]]
        tag = [f'ETag: "{request.path[1]}"'] if request.path.endswith(".wav") else []
        digest = base64.b64encode(hashlib.md5(song).digest()).decode()
        first = int(request.headers.get("range", "bytes=0-")[6:-1])
        if first and request.headers.get("if-range") == f'"{request.path[1]}"':
            headers = [f"Content-Range: bytes {first}-{len(song) - 1}/{len(song)}"]
            status = "206 Partial Content"
        else:
            status, headers, first = "200 OK", [], 0
        headers += [f"Content-Length: {len(song) - first}", f"x-goog-hash: md5={digest}", *tag]
        connection.sendall(head(status, *headers))
        for position in range(first, len(song), STEP):
            connection.sendall(song[position : position + STEP])
            time.sleep(0.02)
        return True

    with answering(answer) as url:
        yield url


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a network file system that doesn't lock anything."""

    def lock(descriptor: int) -> bool:
        return True

    monkeypatch.setattr(_locks, "try_lock", lock)


def outcome(result: object) -> str:
    """`ok` or `in use`; anything else fails the test."""
    if isinstance(result, TransferError):
        assert "in use" in str(result)
        return "in use"
    assert not isinstance(result, BaseException), result
    return "ok"


def is_whole(path: Path) -> bool:
    return path.read_bytes() in SONGS.values()


@pytest.mark.parametrize("locks", ["locks", "no locks"])
@pytest.mark.parametrize("delay", [0.0, 0.1])
@pytest.mark.parametrize("name", ["song.wav", "song"])
def test_threads(
    origin: str, tmp_path: Path, request: pytest.FixtureRequest, locks: str, delay: float, name: str
) -> None:
    if locks == "no locks":
        request.getfixturevalue("no_locks")
    target, started = tmp_path / "song.wav", threading.Barrier(6)

    def get(number: int) -> object:
        with MusicAiClient("k", base_url=f"{origin}/v1") as client:
            started.wait()
            time.sleep(number * delay)
            try:
                return client.files.download(f"{origin}/{'AB'[number % 2]}/{name}", target)
            except TransferError as error:
                return error

    with ThreadPoolExecutor(6) as pool:
        outcomes = [outcome(result) for result in pool.map(get, range(6))]
    assert "ok" in outcomes
    assert is_whole(target)
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


def test_tasks(origin: str, tmp_path: Path) -> None:
    target = tmp_path / "song.wav"

    async def main() -> list[object]:
        async with AsyncMusicAiClient("k", base_url=f"{origin}/v1") as client:
            downloads = [client.files.download(f"{origin}/{song}/song.wav", target) for song in "ABAB"]
            return list(await asyncio.gather(*downloads, return_exceptions=True))

    assert sorted(outcome(result) for result in asyncio.run(main())) == [*["in use"] * 3, "ok"]
    assert is_whole(target)


def test_two_jobs_into_one_folder(origin: str, tmp_path: Path) -> None:
    def get(job: str) -> object:
        with MusicAiClient("k", base_url=f"{origin}/v1") as client:
            time.sleep(0.1 * (job == "B"))
            try:
                return client.jobs.download(job, tmp_path)
            except TransferError as error:
                return error

    with ThreadPoolExecutor(2) as pool:
        assert [outcome(result) for result in pool.map(get, "AB")] == ["ok", "in use"]
    assert (tmp_path / "vocals.wav").read_bytes() == SONGS["A"]


def test_a_target_and_a_link_to_it(origin: str, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)

    def get(path: Path) -> object:
        with MusicAiClient("k", base_url=f"{origin}/v1") as client:
            try:
                return client.files.download(f"{origin}/A/song.wav", path)
            except TransferError as error:
                return error

    with ThreadPoolExecutor(2) as pool:
        assert sorted(outcome(result) for result in pool.map(get, [real, link])) == ["in use", "ok"]
    assert is_whole(real)
    assert link.is_symlink()


PROGRAM = """
import sys, time
from musicai_sdk import MusicAiClient, _locks
from musicai_sdk.errors import TransferError
url, target, locks, delay = sys.argv[1:]
if locks == "no locks":
    _locks.try_lock = lambda descriptor: True
with MusicAiClient("k", base_url="http://127.0.0.1:1/v1") as client:
    print("ready", flush=True)
    sys.stdin.readline()
    time.sleep(float(delay))
    try:
        client.files.download(url, target)
        print("ok")
    except TransferError as error:
        print("in use" if "in use" in str(error) else error)
"""


@pytest.mark.parametrize("locks", ["locks", "no locks"])
@pytest.mark.parametrize("delay", [0.0, 0.1])
@pytest.mark.parametrize("before", ["nothing", "a part"])
def test_processes(origin: str, tmp_path: Path, locks: str, delay: float, before: str) -> None:
    target = tmp_path / "song.wav"
    if before == "a part":
        with Partial(target) as partial:
            partial.write(SONGS["A"][:300_000])
            partial.describe(Version('"A"', len(SONGS["A"])))
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", PROGRAM, f"{origin}/{'AB'[number % 2]}/song.wav", str(target)),
                *(locks, str(number * delay)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert set(said) <= {"ok", "in use"}
    assert [process.returncode for process in processes] == [0] * 4
    if "ok" in said:
        assert is_whole(target)
    else:
        assert locks == "no locks", "without locks, all of them may detect the others"
        assert not target.exists()
    if locks == "locks":
        assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


@pytest.mark.usefixtures("no_locks")
def test_a_second_writer_without_working_locks(tmp_path: Path) -> None:
    """The second writer continues the part in its own file. The first one fails, and can't damage it."""
    target, version = tmp_path / "song.wav", Version('"A"', 10, {"md5": "m"})
    with Partial(target) as first:
        first.describe(version)
        first.write(b"AAA")
        _locks._held.clear()  # the second is another process
        with Partial(target) as second:
            assert second.resumable() == (3, version)
            first.write(b"BBBBBBB")
            second.begin(3, lambda data: None)
            second.write(b"AAAAAAA")
            second.finish(10)
            first.write(b"B")
        assert target.read_bytes() == b"A" * 10
        with pytest.raises(TransferError, match="in use"):
            first.describe(version)
        with pytest.raises(TransferError, match="in use"):
            first.finish(10)
    assert target.read_bytes() == b"A" * 10
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


def test_a_second_writer_after_the_first(tmp_path: Path) -> None:
    target, version = tmp_path / "song.wav", Version('"A"', 10)
    with Partial(target) as first:
        first.describe(version)
        first.write(b"AAA")
        with pytest.raises(TransferError, match="in use"), Partial(target):
            pass
    with Partial(target) as second:
        assert second.resumable() == (3, version)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.wav.part", "song.wav.part-of"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_holds_no_lock(tmp_path: Path) -> None:
    target = tmp_path / "song.wav"
    with Partial(target) as partial:
        partial.describe(Version('"A"', 10))
        partial.write(b"AAA")
        child = os.fork()
        if child == 0:
            # The child respects the parent's lock, and has an empty table of its own locks.
            try:
                Partial(target).__enter__()
            except TransferError:
                os._exit(0 if not _locks._held else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with Partial(target) as again:
        assert again.resumable()[0] == 3
