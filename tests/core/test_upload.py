"""An upload counts as done only if the storage took all bytes, and its answer says nothing else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import socket
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from typing_extensions import override

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.errors import IntegrityError, MusicAiError, TransferError
from support.answering import Asked, answering, whole
from support.colours import Colour, finish

Connect = Callable[..., MusicAiClient]

SONG = b"song" * 1000
LARGE = bytes(range(256)) * 12_000
"""About 3 MB."""


def place(asked: Asked) -> bytes:
    """The answer of the API to the request for a signed URL."""
    origin = f"http://{asked.headers['host']}"
    return whole(
        json.dumps({"uploadUrl": f"{origin}/put?Signature=s", "downloadUrl": f"{origin}/get"}).encode()
    )


class Service:
    """The API, and a storage that answers each upload alike."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.puts = list[bytes]()
        self.posts = 0

    def __call__(self, asked: Asked, connection: socket.socket) -> bool:
        if asked.method == "GET":
            connection.sendall(place(asked))
        elif asked.method == "PUT":
            self.puts.append(asked.body)
            connection.sendall(self.answer)
        else:
            self.posts += 1
            connection.sendall(whole(b'{"id":"j"}'))
        return len(asked.body) == int(asked.headers.get("content-length", 0))


def refused(client: MusicAiClient, path: Path, read: int) -> None:
    """Creates a job through a storage that answers after some bytes of the upload, and ends the connection."""
    service = Service(whole(b""))
    with answering(service, most=lambda method: read if method == "PUT" else 1_000_000) as origin:
        client.base_url = origin
        # On some systems, the end of the connection overtakes the answer.
        with pytest.raises(MusicAiError, match=r"were sent, so the file may not be stored|broke"):
            client.jobs.create(CustomWorkflow("w", {"inputUrl": path}), max_retries=2)
    assert len(service.puts) == 3, "it is tried again"
    assert service.posts == 0


@pytest.mark.parametrize("read", [0, 10_000])
def test_an_answer_before_the_body_was_sent(each_client: MusicAiClient, tmp_path: Path, read: int) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(bytes(20_000_000))
    refused(each_client, path, read)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_an_answer_before_the_only_chunk_was_sent(
    connect: Connect, colour: Colour, tmp_path: Path, trust: ssl.SSLContext, library: Any
) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(bytes(1_000_000))
    # Otherwise the system may take the whole chunk.
    options = [(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)]
    if colour == "sync":
        transport = library.HTTPTransport(verify=trust, socket_options=options)
        with library.Client(transport=transport) as http:
            refused(connect(http_client=http), path, 10_000)
    else:
        transport = library.AsyncHTTPTransport(verify=trust, socket_options=options)
        http = library.AsyncClient(transport=transport)
        client = connect(http_client=http)
        refused(client, path, 10_000)
        finish(client, http.aclose())


def test_a_retry_after_an_early_answer(each_client: MusicAiClient) -> None:
    service, content = Service(whole(b"")), LARGE * 7
    with answering(
        service, most=lambda method: len(content) if service.puts or method != "PUT" else 5
    ) as origin:
        each_client.base_url = origin
        assert each_client.files.upload(content).size == len(content)
    assert [len(each) for each in service.puts] == [5, len(content)]
    assert service.puts[-1] == content


class Taking(httpx.BaseTransport):
    """A transport of the caller's, which takes some chunks of a body and doesn't ask whether there are more."""

    def __init__(self, chunks: int) -> None:
        self.chunks = chunks

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            urls = {"uploadUrl": "http://127.0.0.1/put", "downloadUrl": "http://127.0.0.1/get"}
            return httpx.Response(200, json=urls)
        assert isinstance(request.stream, httpx.SyncByteStream)
        stream = iter(request.stream)
        for _ in range(self.chunks):
            next(stream)
        return httpx.Response(200)


def test_transports_of_the_caller() -> None:
    for chunks in range(4):
        with (
            httpx.Client(transport=Taking(chunks)) as http,
            MusicAiClient("key", base_url="http://127.0.0.1", http_client=http, max_retries=0) as client,
        ):
            if chunks == 3:
                assert client.files.upload(LARGE).size == len(LARGE)
                continue
            with pytest.raises(IntegrityError, match="were sent"):
                client.files.upload(LARGE)


def digest(name: str, content: bytes) -> str:
    return base64.b64encode(hashlib.new(name, content).digest()).decode()


DIGESTS: dict[str, Callable[[bytes], str]] = {
    "Google": lambda content: f"x-goog-hash: md5={digest('md5', content)}",
    "Content-MD5": lambda content: f"Content-MD5: {digest('md5', content)}",
    "S3": lambda content: f'ETag: "{hashlib.md5(content).hexdigest()}"\r\nx-amz-request-id: 1',
    "SHA-256": lambda content: f"x-amz-checksum-sha256: {digest('sha256', content)}",
    "Repr-Digest": lambda content: f"Repr-Digest: sha-256=:{digest('sha256', content)}:",
}


@pytest.mark.parametrize("kind", DIGESTS)
@pytest.mark.parametrize("content", [SONG, LARGE], ids=["small", "large"])
def test_the_digest_in_the_answer(connect: Connect, tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    client = connect(max_retries=1)
    for source in (path, content):
        for stored in (content, b""):  # that of an empty text is the digest of the answer itself
            with answering(Service(whole(b"", DIGESTS[kind](stored)))) as origin:
                client.base_url = origin
                assert client.files.upload(source).size == len(content)
        damaged = Service(whole(b"", DIGESTS[kind](content[:-1] + b"!")))
        with answering(damaged) as origin:
            client.base_url = origin
            with pytest.raises(IntegrityError, match="other bytes"):
                client.files.upload(source)
        assert damaged.puts == [content, content]


class Far:
    """A file behind a network: reading it again costs as much as the upload."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self.bytes_read = 0

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int, /) -> bytes:
        data = self._file.read(size)
        self.bytes_read += len(data)
        return data


def test_a_source_that_is_far_away_is_read_once(connect: Connect) -> None:
    client, far = connect(), Far(LARGE)
    with answering(Service(whole(b"", DIGESTS["Google"](SONG)))) as origin:
        client.base_url = origin
        assert client.files.upload(far).size == len(LARGE)
    assert far.bytes_read == len(LARGE)


PAGE = "<!doctype html><title>Log in</title>"
DENIALS = {
    "a page with a byte order mark": whole(f"\ufeff\n{PAGE}".encode()),
    "a page in gzip": whole(gzip.compress(PAGE.encode()), "Content-Encoding: gzip"),
    "a page in UTF-16": whole(PAGE.encode("utf-16")),
    "an error in gzip": whole(gzip.compress(b'{"error": "quota"}'), "Content-Encoding: gzip"),
    "an error in UTF-16": whole('{"error": "quota"}'.encode("utf-16")),
    "an error that doesn't begin with it": whole(
        b'{"timestamp": "2026", "path": "/x", "error": "No Storage"}'
    ),
    "no success": whole(b'{"success": false, "cause": "disk full"}'),
    "a problem": whole(b'{"type": "about:blank", "title": "No Storage", "status": 507, "instance": "/x"}'),
    "a fault": whole(b'{"fault": {"faultstring": "x"}, "at": 1}'),
    "a status in words": whole(b'{"status": "error", "at": 1}'),
    "a message": whole(b'{"message": "The session has expired"}'),
}


@pytest.mark.parametrize("kind", DENIALS)
def test_an_answer_that_contradicts_its_status(connect: Connect, kind: str) -> None:
    client, service = connect(max_retries=1), Service(DENIALS[kind])
    with answering(service) as origin:
        client.base_url = origin
        with pytest.raises(IntegrityError, match="may not be stored") as caught:
            client.files.upload(SONG)
        assert "ignature" not in str(caught.value)
    assert len(service.puts) == 2


@pytest.mark.parametrize(
    "status", ["202 Accepted", "203 Non-Authoritative", "206 Partial Content", "207 Multi-Status"]
)
def test_a_status_that_says_something_else(connect: Connect, status: str) -> None:
    client = connect()
    with answering(Service(whole(b"", status=status))) as origin:
        client.base_url = origin
        with pytest.raises(TransferError, match=f"answered {status[:3]}"):
            client.files.upload(SONG)


@pytest.mark.parametrize(
    "answer",
    [
        whole(b"", "Content-Type: text/html", status="201 Created"),
        whole(b"", status="204 No Content"),
        whole(b"ok"),
        whole(b'{"Key": "x", "error": null, "status": 200}'),
        whole(b'{"id": "x", "name": "song", "error": "an earlier one"}'),
        whole(b"not in gzip", "Content-Encoding: gzip"),
    ],
)
def test_answers_of_storages(connect: Connect, answer: bytes) -> None:
    client = connect()
    with answering(Service(answer)) as origin:
        client.base_url = origin
        assert client.files.upload(SONG).size == len(SONG)


@pytest.mark.parametrize("opened", [True, False])
def test_a_file_that_is_written_during_its_upload(connect: Connect, tmp_path: Path, *, opened: bool) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(LARGE)
    service = Service(whole(b""))

    def rewrite(_done: int, _total: int | None) -> None:
        path.write_bytes(LARGE[::-1])
        os.utime(path, (1, 1))  # the clock of some file systems is coarse

    client = connect(max_retries=0)
    with answering(service) as origin, path.open("rb") as file:
        client.base_url = origin
        with pytest.raises(TransferError, match="written to during the upload"):
            client.files.upload(file if opened else path, on_progress=rewrite)
        file.seek(0)
        assert client.files.upload(file if opened else path).size == len(LARGE)
    assert service.puts[-1] == LARGE[::-1]


def test_a_source_that_the_server_cut(connect: Connect) -> None:
    service = Service(whole(b""))

    def handle(asked: Asked, connection: socket.socket) -> object:
        if asked.path == "/source":
            connection.sendall(whole(LARGE)[:-3000])
            return False
        return service(asked, connection)

    client = connect()
    with answering(handle) as origin, urllib.request.urlopen(f"{origin}/source") as source:
        client.base_url = origin
        with pytest.raises(TransferError, match="3000 bytes too early"):
            client.files.upload(source)
    assert service.puts == []
