"""Downloads of several outputs that are interrupted, fail, or run while the interpreter ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk._io import cancelling
from musicai_sdk._io.threads import run_all
from musicai_sdk.errors import TransferError
from support.answering import Asked, answering, finished_job, head, whole

SIZE = 2_000_000
OUTPUTS = 6


@pytest.fixture
def origin() -> Iterator[str]:
    """Jobs with outputs: `slow` ones take half a minute, `silent` ones stop in the middle, `mute` ones send nothing, and
    the last output of `bad` is refused."""
    end = threading.Event()

    def answer(request: Asked, connection: socket.socket) -> object:
        if request.path.startswith("/v1/job/"):
            kind = request.path.rpartition("/")[2]
            outputs = {f"o{number}": f"{url}/{kind}/{number}.wav" for number in range(OUTPUTS)}
            if kind == "bad":
                outputs["o1"] = f"{url}/refused"
            connection.sendall(finished_job(outputs, kind))
        elif request.path == "/refused":
            time.sleep(0.3)
            connection.sendall(whole(b"", status="403 Forbidden"))
        elif request.path.startswith("/fast"):
            connection.sendall(whole(b"x" * 100))
        elif request.path.startswith("/mute"):
            end.wait(60)
        else:
            connection.sendall(head("200 OK", 'ETag: "1"', f"Content-Length: {SIZE}"))
            if "range" in request.headers:
                return False
            for number in range(100):
                connection.sendall(b"x" * (SIZE // 100))
                if end.wait(60 if number == 20 and request.path.startswith("/silent") else 0.3):
                    return False
        return True

    with answering(answer) as url:
        yield url
        end.set()


INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
from musicai_sdk import MusicAiClient
base, job, folder, times = sys.argv[1:]

struck = []

def interrupt():
    while len(before := sizes()) < 4 or not all(before.values()):  # the concurrent downloads
        time.sleep(0.05)
    struck.append(time.monotonic())
    for _ in range(int(times)):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.02)

def sizes():
    return {path.name: path.stat().st_size for path in Path(folder).glob("*.part")}

client = MusicAiClient("k", base_url=base)
left = int(times)
try:
    try:
        threading.Thread(target=interrupt).start()
        client.jobs.download(job, folder)
    except KeyboardInterrupt:
        after = time.monotonic()
        left -= 1
        while left:  # the others
            try:
                time.sleep(5)
                break
            except KeyboardInterrupt:
                left -= 1
except KeyboardInterrupt:
    after = time.monotonic()
before = sizes()
time.sleep(1)
print("late" if after - struck[0] > 15 else "soon")
print("grown" if sizes() != before else "still", len(before), flush=True)
print(sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("musicai_sdk")))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("job", ["slow", "silent"])
def test_ctrl_c(origin: str, tmp_path: Path, job: str, times: int) -> None:
    folder = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, f"{origin}/v1", job, str(folder), str(times)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.splitlines() == ["soon", "still 4", "[]"], "a complete download takes half a minute"
    assert done.returncode == 0
    parts = sorted(folder.glob("*.part"))
    assert [part.name for part in parts] == [f"o{number}.wav.part" for number in range(4)]
    assert all(part.with_name(f"{part.stem}.part-of").exists() for part in parts)
    assert list(folder.glob("*.wav")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("job", ["slow", "silent", "mute"])
def test_ctrl_c_leaves_nothing_in_use(origin: str, tmp_path: Path, job: str, *, given: bool) -> None:
    """An interrupted call releases its files, although its threads may have waited for the server."""
    with httpx.Client() as http, MusicAiClient("k", base_url=f"{origin}/v1") as own:
        client = MusicAiClient("k", base_url=f"{origin}/v1", http_client=http) if given else own
        for _ in range(2):
            timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                client.jobs.download(job, tmp_path)
            timer.join()
        assert list(tmp_path.glob("*.wav")) == []


@pytest.mark.parametrize("job", ["slow", "silent", "mute"])
def test_a_cancelled_task_leaves_nothing_in_use(origin: str, tmp_path: Path, job: str) -> None:
    async def main() -> None:
        async with AsyncMusicAiClient("k", base_url=f"{origin}/v1") as client:
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await client.jobs.download(job, tmp_path)

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 20
    assert list(tmp_path.glob("*.wav")) == []


def test_a_failed_transfer_ends_the_others(origin: str, tmp_path: Path) -> None:
    began = time.monotonic()
    with MusicAiClient("k", base_url=f"{origin}/v1") as client, pytest.raises(TransferError, match="403"):
        client.jobs.download("bad", tmp_path)
    assert time.monotonic() - began < 20
    assert list(tmp_path.glob("*.wav")) == []
    assert len(list(tmp_path.glob("*.part"))) == 3, "received data are kept"


AT_THE_END = {
    "thread": """
import threading
def work():
    threading.main_thread().join()
    get()
threading.Thread(target=work).start()
""",
    "atexit": """
import atexit
atexit.register(get)
""",
}
GET = {
    "sync": """
def get():
    with MusicAiClient("k", base_url=sys.argv[1]) as client:
        print(sorted(client.jobs.download("fast", sys.argv[2])))
""",
    "async": """
async def main():
    async with AsyncMusicAiClient("k", base_url=sys.argv[1]) as client:
        print(sorted(await client.jobs.download("fast", sys.argv[2])))
def get():
    asyncio.run(main())
""",
}


@pytest.mark.parametrize("colour", GET)
@pytest.mark.parametrize("when", AT_THE_END)
@pytest.mark.parametrize("threads", ["as many as needed", "none"])
def test_while_the_interpreter_ends(
    origin: str, tmp_path: Path, colour: str, when: str, threads: str
) -> None:
    program = f"import asyncio, sys, threading\nfrom musicai_sdk import AsyncMusicAiClient, MusicAiClient\n{GET[colour]}"
    if threads == "none":
        program += (
            "\nfrom musicai_sdk._io import threads\n"
            "def refuse(function): raise RuntimeError('can\\'t start new thread')\n"
            "threads.start = refuse\n"
        )
    done = subprocess.run(
        [sys.executable, "-c", program + AT_THE_END[when], f"{origin}/v1", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == str([f"o{number}" for number in range(OUTPUTS)]), done.stderr
    assert len(list(tmp_path.glob("*.wav"))) == OUTPUTS


def test_results_in_order_and_bounded() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number

    assert run_all([partial(work, number) for number in range(20)], 3) == list(range(20))
    assert 1 < most <= 3


def test_the_first_error_is_raised_and_starts_no_other_task() -> None:
    begun = list[int]()

    def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise KeyError(number)
        work = cancelling.current()
        assert work is not None
        work.sleep(60)  # ends at once

    with pytest.raises(KeyError):
        run_all([partial(work, number) for number in range(10)], 3)
    assert set(begun) <= {0, 1, 2}


def test_nested_groups_end_together() -> None:
    ended = list[int]()

    def inner(number: int) -> None:
        work = cancelling.current()
        assert work is not None
        try:
            work.sleep(60)
        finally:
            ended.append(number)

    def outer() -> None:
        run_all([partial(inner, number) for number in range(2)], 2)

    def fail() -> None:
        time.sleep(0.3)
        raise KeyError

    with pytest.raises(KeyError):
        run_all([outer, fail], 2)
    assert sorted(ended) == [0, 1]
