"""One file over several connections: always the complete file of one version, or an error."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk._core.ranges import PART
from musicai_sdk.errors import InputError, IntegrityError
from musicai_sdk.sandbox import Sandbox
from support.answering import Asked, answering, head, whole

SIZE = 5 * PART + 12_345
WHOLE = random.Random(1).randbytes(SIZE)
OTHER = random.Random(2).randbytes(SIZE)


class Server:
    """A storage with one object, which supports ranges by default."""

    def __init__(
        self, etag: str | None = '"1"', *, accepts: str | None = "bytes", digest: bool = False
    ) -> None:
        self.content = WHOLE
        self.etag = etag
        self.ranges = list[tuple[int, int]]()
        """The first and last byte of each requested part."""
        self.whole = 0
        """The number of requests for the whole object."""
        self.headers = [f"Accept-Ranges: {accepts}"] if accepts else []
        if digest:
            self.headers.append(f"x-goog-hash: md5={base64.b64encode(hashlib.md5(WHOLE).digest()).decode()}")
        self.lock = threading.Lock()

    def __call__(self, asked: Asked, connection: socket.socket) -> bool:
        headers = [*self.headers, *([f"ETag: {self.etag}"] if self.etag else [])]
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
        if found is None or asked.headers.get("if-range") != self.etag:
            with self.lock:
                self.whole += 1
            connection.sendall(whole(self.content, *headers))
            return True
        first, last = int(found[1]), int(found[2] or SIZE - 1)
        with self.lock:
            self.ranges.append((first, last))
            number = len(self.ranges)
        self.answer(number, first, last, [*headers, "Connection: close"], connection)
        return False

    def answer(
        self, number: int, first: int, last: int, headers: list[str], connection: socket.socket
    ) -> None:
        place = f"Content-Range: bytes {first}-{last}/{SIZE}"
        body = self.content[first : last + 1]
        connection.sendall(whole(body, *headers, place, status="206 Partial Content"))


def parts(start: int = 0) -> list[tuple[int, int]]:
    return [(first, min(first + PART, SIZE) - 1) for first in range(start, SIZE, PART)]


def test_parts_over_several_connections(each_client: MusicAiClient, tmp_path: Path) -> None:
    server, seen = Server(digest=True), list[tuple[int, int | None]]()

    def note(done: int, total: int | None) -> None:
        seen.append((done, total))

    with answering(server) as url:
        file = each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav", connections=4, on_progress=note)
    assert (file.size, file.path.read_bytes() == WHOLE) == (SIZE, True)
    assert server.whole == 1
    assert sorted(server.ranges) == parts()[1:], "the first part comes from the first answer"
    assert seen == sorted(seen)
    assert seen[-1] == (SIZE, SIZE)
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]


@pytest.mark.parametrize(
    "server",
    [
        lambda: Server(None),
        lambda: Server('W/"1"'),
        lambda: Server(accepts=None),
        lambda: Server(accepts="none"),
    ],
)
def test_without_evidence_no_parts_are_requested(
    each_client: MusicAiClient, tmp_path: Path, server: Any
) -> None:
    storage = server()
    with answering(storage) as url:
        each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav", connections=4)
    assert (tmp_path / "x.wav").read_bytes() == WHOLE
    assert (storage.whole, storage.ranges) == (1, [])


def test_one_connection_by_default(each_client: MusicAiClient, tmp_path: Path) -> None:
    server = Server()
    with answering(server) as url:
        each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav")
    assert (server.whole, server.ranges) == (1, [])


def ignored(server: Server, first: int, last: int) -> bytes:
    return whole(server.content, *server.headers, f"ETag: {server.etag}")


def another_place(server: Server, first: int, last: int) -> bytes:
    place = f"Content-Range: bytes 0-{last - first}/{SIZE}"
    return whole(WHOLE[: last - first + 1], f"ETag: {server.etag}", place, status="206 Partial Content")


def another_version(server: Server, first: int, last: int) -> bytes:
    place = f"Content-Range: bytes {first}-{last}/{SIZE}"
    return whole(OTHER[first : last + 1], 'ETag: "2"', place, status="206 Partial Content")


def no_version(server: Server, first: int, last: int) -> bytes:
    place = f"Content-Range: bytes {first}-{last}/{SIZE}"
    return whole(OTHER[first : last + 1], place, status="206 Partial Content")


def less(server: Server, first: int, last: int) -> bytes:
    place = f"Content-Range: bytes {first}-{last - 1}/{SIZE}"
    return whole(WHOLE[first:last], f"ETag: {server.etag}", place, status="206 Partial Content")


def coded(server: Server, first: int, last: int) -> bytes:
    place = f"Content-Range: bytes {first}-{last}/{SIZE}"
    headers = (f"ETag: {server.etag}", place, "Content-Encoding: gzip")
    return whole(WHOLE[first : last + 1], *headers, status="206 Partial Content")


def broken_off(server: Server, first: int, last: int) -> bytes:
    place = f"Content-Range: bytes {first}-{last}/{SIZE}"
    length = f"Content-Length: {last - first + 1}"
    return head("206 Partial Content", f"ETag: {server.etag}", place, length) + WHOLE[first : first + 1000]


def longer(server: Server, first: int, last: int) -> bytes:
    place = f"Content-Range: bytes {first}-{last}/{SIZE}"
    return whole(b"!!" + WHOLE[first : last + 1], f"ETag: {server.etag}", place, status="206 Partial Content")


def longer_in_chunks(server: Server, first: int, last: int) -> bytes:
    place = f"Content-Range: bytes {first}-{last}/{SIZE}"
    body = b"!!" + WHOLE[first : last + 1]
    return head(
        "206 Partial Content", f"ETag: {server.etag}", place, "Transfer-Encoding: chunked"
    ) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def several_ranges(server: Server, first: int, last: int) -> bytes:
    """As long as the requested range, by cutting it."""
    place = f"Content-Range: bytes {first}-{last}/{SIZE}"
    body = b"--x\r\n%b\r\n\r\n%b\r\n--x--" % (place.encode(), WHOLE[first : last + 1])
    headers = (f"ETag: {server.etag}", place, "Content-Type: multipart/byteranges; boundary=x")
    return whole(body[: last - first + 1], *headers, status="206 Partial Content")


def busy(server: Server, first: int, last: int) -> bytes:
    return whole(b"", status="503 Service Unavailable")


ODD = [
    *(ignored, another_place, another_version, no_version, less, coded, broken_off, busy),
    *(longer, longer_in_chunks, several_ranges),
]


class Odd(Server):
    """Returns one invalid part, the `nth`."""

    def __init__(self, odd: Any, nth: int) -> None:
        super().__init__()
        self._odd, self._nth = odd, nth

    @override
    def answer(
        self, number: int, first: int, last: int, headers: list[str], connection: socket.socket
    ) -> None:
        if number == self._nth:
            connection.sendall(self._odd(self, first, last))
        else:
            super().answer(number, first, last, headers, connection)


@pytest.mark.parametrize("odd", ODD)
def test_an_unusable_first_part(each_client: MusicAiClient, tmp_path: Path, odd: Any) -> None:
    server = Odd(odd, 1)
    with answering(server) as url:
        each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav", connections=2, max_retries=0)
    assert (tmp_path / "x.wav").read_bytes() == WHOLE
    assert (server.whole, len(server.ranges)) == (1, 1), "the first answer has the rest"


@pytest.mark.parametrize("odd", ODD)
def test_an_unusable_later_part(each_client: MusicAiClient, tmp_path: Path, odd: Any) -> None:
    server, target = Odd(odd, 3), tmp_path / "x.wav"
    with answering(server) as url:
        with pytest.raises(IntegrityError):
            each_client.files.download(f"{url}/x.wav", target, connections=2, max_retries=0)
        part = tmp_path / "x.wav.part"
        beginning = part.read_bytes()
        # Either the third or the fourth part, perhaps after the beginning of it.
        assert len(beginning) >= 2 * PART
        assert beginning == WHOLE[: len(beginning)]
        assert not target.exists()
        server.ranges.clear()
        each_client.files.download(f"{url}/x.wav", target, connections=2, max_retries=1)
    assert target.read_bytes() == WHOLE
    assert server.whole == 1
    assert server.ranges[0] == (len(beginning), SIZE - 1)


def test_an_object_that_changes_during_the_download(each_client: MusicAiClient, tmp_path: Path) -> None:
    class Changing(Server):
        @override
        def answer(
            self, number: int, first: int, last: int, headers: list[str], connection: socket.socket
        ) -> None:
            super().answer(number, first, last, headers, connection)
            self.content, self.etag = OTHER, '"2"'

    server = Changing()
    with answering(server) as url:
        each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav", connections=2)
    assert (tmp_path / "x.wav").read_bytes() == OTHER


def test_a_part_with_wrong_bytes(each_client: MusicAiClient, tmp_path: Path) -> None:
    class Damaging(Server):
        @override
        def answer(
            self, number: int, first: int, last: int, headers: list[str], connection: socket.socket
        ) -> None:
            self.content = OTHER
            super().answer(number, first, last, headers, connection)
            self.content = WHOLE

    server = Damaging(digest=True)
    with answering(server) as url, pytest.raises(IntegrityError, match="another md5"):
        each_client.files.download(f"{url}/x.wav", tmp_path / "x.wav", connections=2, max_retries=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [0, 17, 1.5, True, "4"])
def test_invalid_connections(
    sandbox: Sandbox, each_client: MusicAiClient, tmp_path: Path, count: Any
) -> None:
    with pytest.raises(InputError, match="connections must be a whole number from 1 to 16"):
        each_client.files.download("https://example.org/x", tmp_path / "x", connections=count)
    with pytest.raises(InputError, match="connections"):
        each_client.jobs.download("j", tmp_path, connections=count)
    assert sandbox.requests == []


def test_results_of_a_job(sandbox: Sandbox, each_client: MusicAiClient, tmp_path: Path) -> None:
    url = each_client.files.upload(WHOLE).url
    job = each_client.jobs.run(CustomWorkflow("sdk-test", {"file": url}))
    files = each_client.jobs.download(job, tmp_path, connections=4)
    assert files["file"].read_bytes() == WHOLE
    assert sum("range" in entry.headers for entry in sandbox.requests) == len(parts()) - 1
