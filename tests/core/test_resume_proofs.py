"""A part is resumed only if its bytes are proven to be those of the requested object."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conftest import Connect
from musicai_sdk import MusicAiClient
from musicai_sdk.errors import IntegrityError
from support.answering import Asked, answering, finished_job, whole

SIZE = 400_000
SENT = 150_000
CONTENT, OTHER = random.Random(1).randbytes(SIZE), random.Random(2).randbytes(SIZE)
MODIFIED, SOON, LATER = (f"Wed, 21 Oct 2015 07:{at} GMT" for at in ("28:00", "28:59", "29:00"))
DIGEST = f"x-goog-hash: md5={b64encode(hashlib.md5(CONTENT).digest()).decode()}"
SIGNED = "X-Goog-Algorithm=a&X-Goog-Credential=c&X-Goog-Date=d&X-Goog-Expires=9&X-Goog-SignedHeaders=h&X-Goog-Signature="


class Storage:
    """Breaks the first answer off, and then sends the requested ranges, without looking at `If-Range`."""

    def __init__(self, *headers: str) -> None:
        self.headers = headers
        self.ranges = list[str | None]()
        self.ends = True
        """Whether the connection ends after the beginning. Otherwise it falls silent."""

    def __call__(self, asked: Asked, connection: socket.socket) -> object:
        if asked.path.startswith("/v1/"):
            outputs = {"vocals": f"http://{asked.headers['host']}{asked.path[3:]}.wav"}
            connection.sendall(finished_job(outputs, asked.path.rpartition("/")[2]))
            return True
        wanted = asked.headers.get("range")
        self.ranges.append(wanted)
        content = OTHER if asked.path.startswith("/job/other") else CONTENT
        if len(self.ranges) == 1:
            connection.sendall(whole(content, *self.headers)[: SENT - SIZE])
            if not self.ends:
                threading.Event().wait(60)
            return False
        if wanted is None:
            connection.sendall(whole(content, *self.headers))
        else:
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
            place = f"Content-Range: bytes {first}-{SIZE - 1}/{SIZE}"
            connection.sendall(whole(content[first:], place, *self.headers, status="206 Partial Content"))
        return True


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "x.bin"


@pytest.fixture
def part(target: Path) -> Path:
    return target.with_name("x.bin.part")


@pytest.fixture
def storage() -> Storage:
    """A storage that announces no digests."""
    return Storage('ETag: "1"')


@pytest.fixture
def origin(storage: Storage) -> Iterator[str]:
    with answering(storage) as origin:
        yield origin


@pytest.fixture
def url(client: MusicAiClient, origin: str, target: Path, part: Path) -> str:
    """The URL of an object of which the beginning has arrived."""
    url = f"{origin}/x.bin"
    with pytest.raises(IntegrityError):
        client.files.download(url, target, max_retries=0)
    assert part.stat().st_size == SENT
    return url


def download(client: MusicAiClient, storage: Storage, url: str, target: Path) -> Sequence[str | None]:
    """Downloads the complete file without a retry. Returns the ranges of the requests."""
    del storage.ranges[1:]
    client.files.download(url, target, max_retries=0)
    assert target.read_bytes() == (OTHER if "/other" in url else CONTENT)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    return storage.ranges[1:]


REST = [f"bytes={SENT}-"]


def test_an_undamaged_part(client: MusicAiClient, storage: Storage, url: str, target: Path) -> None:
    assert download(client, storage, url, target) == REST


def test_a_part_with_zeros(
    client: MusicAiClient, storage: Storage, url: str, target: Path, part: Path
) -> None:
    part.write_bytes(part.read_bytes()[:-1000] + bytes(1000))  # as after a power cut
    assert download(client, storage, url, target) == [None]


def test_a_shorter_part(client: MusicAiClient, storage: Storage, url: str, target: Path, part: Path) -> None:
    os.truncate(part, SENT - 1)
    assert download(client, storage, url, target) == [None]


def test_a_longer_part(client: MusicAiClient, storage: Storage, url: str, target: Path, part: Path) -> None:
    """A call that resumed it was killed."""
    part.write_bytes(part.read_bytes() + b"?" * 1000)
    assert download(client, storage, url, target) == REST


def test_a_part_that_was_resumed_twice(
    client: MusicAiClient, storage: Storage, url: str, target: Path, part: Path
) -> None:
    def fail(done: int, total: int | None) -> None:
        raise ValueError(done)

    with pytest.raises(ValueError, match=r"\d"):
        client.files.download(url, target, on_progress=fail)
    more = part.stat().st_size
    assert more > SENT
    assert download(client, storage, url, target) == [f"bytes={more}-"]


def test_a_complete_part(client: MusicAiClient, storage: Storage, url: str, target: Path, part: Path) -> None:
    """Only the rename was missing. The last byte is requested, for the version."""

    def fail(done: int, total: int | None) -> None:
        if done == SIZE:
            raise ValueError(done)

    with pytest.raises(ValueError, match=str(SIZE)):
        client.files.download(url, target, on_progress=fail)
    assert part.stat().st_size == SIZE
    assert download(client, storage, url, target) == [f"bytes={SIZE - 1}-"]


@pytest.mark.usefixtures("url")
def test_another_url(client: MusicAiClient, storage: Storage, origin: str, target: Path) -> None:
    assert download(client, storage, f"{origin}/job/other/x.bin", target) == [None]


@pytest.mark.parametrize(("query", "resumes"), [(f"?{SIGNED}1", True), ("?version=2", False)])
def test_another_query(
    client: MusicAiClient, storage: Storage, url: str, target: Path, query: str, *, resumes: bool
) -> None:
    assert download(client, storage, url + query, target) == (REST if resumes else [None])


def test_another_job(connect: Connect, storage: Storage, origin: str, tmp_path: Path) -> None:
    client = connect(base_url=f"{origin}/v1", max_retries=0)
    with pytest.raises(IntegrityError):
        client.jobs.download("one", tmp_path)
    assert (tmp_path / "vocals.wav.part").exists()
    assert client.jobs.download("other", tmp_path)["vocals"].read_bytes() == OTHER
    assert set(storage.ranges) == {None}


def test_a_note_of_an_earlier_version(
    client: MusicAiClient, storage: Storage, url: str, target: Path, part: Path
) -> None:
    note = {"validator": '"1"', "size": SIZE, "digests": {}, "marks": {"etag": '"1"'}}
    part.with_name("x.bin.part-of").write_text(json.dumps(note))
    assert download(client, storage, url, target) == [None]


@pytest.mark.parametrize(
    ("date", "resumes"), [(MODIFIED, False), (SOON, False), (None, False), (LATER, True)]
)
def test_a_modification_time(client: MusicAiClient, target: Path, date: str | None, *, resumes: bool) -> None:
    headers = [f"Last-Modified: {MODIFIED}", *([f"Date: {date}"] if date else [])]
    storage = Storage(*headers)
    with answering(storage) as origin:
        with pytest.raises(IntegrityError):
            client.files.download(f"{origin}/x.bin", target, max_retries=0)
        assert download(client, storage, f"{origin}/x.bin", target) == (REST if resumes else [None])


PROGRAM = """
import sys
from musicai_sdk import MusicAiClient
with MusicAiClient("k", base_url=sys.argv[1]) as client:
    client.files.download(*sys.argv[1:])
"""


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_ends(
    client: MusicAiClient, target: Path, part: Path, end: signal.Signals, *, proven: bool
) -> None:
    """Killed, it can't note what it has written, so only the storage's digest can prove these bytes."""
    storage = Storage('ETag: "1"', *([DIGEST] if proven else []))
    storage.ends = False
    with answering(storage) as origin:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, f"{origin}/x.bin", target], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while not part.exists() or part.stat().st_size < SENT:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(end)
        process.wait(timeout=60)
        resumes = proven or end is signal.SIGINT
        assert download(client, storage, f"{origin}/x.bin", target) == (REST if resumes else [None])
