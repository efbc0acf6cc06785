"""Deadlines limit each exchange as a whole, even if a server keeps sending single bytes."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from conftest import Connect
from musicai_sdk import CustomWorkflow
from musicai_sdk.errors import (
    CreateTimeoutError,
    MusicAiError,
    RequestTimeoutError,
    ResponseError,
    ServerError,
    WaitTimeoutError,
)
from support.colours import Colour
from support.raw_server import RawServer, Received

LONG = 60.0
"""Much longer than any of these calls may take, and shorter than the server keeps dripping."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + b"X-Slow: 1\r\n" * 400
BODY = b'{"id": "a", "name": "' + b"x" * 4000 + b'"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)


def drips_the_head(request: Received) -> None:
    request.drip(HEAD)


def drips_the_body(request: Received) -> None:
    request.connection.sendall(ANSWER)
    request.drip(BODY)


@pytest.mark.parametrize("handler", [drips_the_head, drips_the_body])
@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
def test_an_exchange_with_the_api(connect: Connect, colour: Colour, handler: object, given: bool) -> None:
    kind, unused = (
        {"sync": httpx.Client, "async": httpx.AsyncClient}[colour],
        httpx.Limits(max_keepalive_connections=0),
    )
    theirs = kind(limits=unused) if given else None
    with RawServer(handler) as server:  # type: ignore[arg-type]
        client = connect(base_url=server.url, max_retries=0, http_client=theirs)
        began = time.monotonic()
        with pytest.raises(RequestTimeoutError, match=r"answer within 0\.5 s") as caught:
            client.application.get(request_timeout=0.5)
        assert caught.value.sent
        assert time.monotonic() - began < LONG / 2


def test_a_reused_connection(connect: Connect) -> None:
    def handler(request: Received) -> None:
        drips_the_head(request) if len(server.requests) > 1 else request.answer(b'{"id": "a"}')

    with RawServer(handler) as server:
        client = connect(base_url=server.url, max_retries=0)
        assert client.application.get().id == "a"
        with pytest.raises(RequestTimeoutError):
            client.application.get(request_timeout=0.5)


@pytest.mark.parametrize("handler", [drips_the_head, drips_the_body])
def test_a_wait(connect: Connect, handler: object) -> None:
    with RawServer(handler) as server:  # type: ignore[arg-type]
        client = connect(base_url=server.url)
        began = time.monotonic()
        with pytest.raises(WaitTimeoutError):
            client.jobs.wait("j", timeout=1)
        assert time.monotonic() - began < LONG / 2


@contextmanager
def storing(handler: Callable[[Received], None]) -> Generator[RawServer]:
    """A service whose storage answers uploads by a handler."""

    def answer(request: Received) -> None:
        if request.method == "GET":
            url = f"{server.url}/file?x"
            request.answer(b'{"uploadUrl": "%b", "downloadUrl": "%b"}' % (url.encode(), url.encode()))
        else:
            handler(request)

    with RawServer(answer) as server:
        yield server


@pytest.mark.parametrize("handler", [drips_the_head, drips_the_body])
def test_a_run_whose_upload_is_answered_slowly(
    connect: Connect, handler: Callable[[Received], None], tmp_path: Path
) -> None:
    (tmp_path / "song.wav").write_bytes(bytes(100_000))
    with storing(handler) as server:
        client = connect(base_url=server.url)
        began = time.monotonic()
        with pytest.raises(CreateTimeoutError, match="nothing is charged"):
            client.jobs.run(CustomWorkflow("sdk-test", {"file": tmp_path / "song.wav"}), timeout=1)
        assert time.monotonic() - began < LONG / 2
        assert {request.method for request in server.requests} == {"GET", "PUT"}


@pytest.mark.parametrize("handler", [drips_the_head, drips_the_body])
def test_an_upload_without_a_deadline_that_is_answered_slowly(
    connect: Connect, handler: Callable[[Received], None]
) -> None:
    with storing(handler) as server:
        client = connect(base_url=server.url, max_retries=0)
        began = time.monotonic()
        with pytest.raises(RequestTimeoutError):
            client.files.upload(bytes(100_000), request_timeout=0.5)
        assert time.monotonic() - began < LONG / 2


def test_a_storage_may_be_slow_with_the_body_but_not_with_the_head(connect: Connect, tmp_path: Path) -> None:
    data = b"x" * 60

    def handler(request: Received) -> None:
        if request.path == "/head":
            drips_the_head(request)
        else:
            request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data))
            request.drip(data)

    with RawServer(handler) as server:
        client = connect(base_url=server.url, max_retries=0)
        client.files.download(f"{server.url}/body", tmp_path / "x", request_timeout=1)
        assert (tmp_path / "x").read_bytes() == data, "3 s in all, and never 1 s of silence"
        with pytest.raises(RequestTimeoutError):
            client.files.download(f"{server.url}/head", tmp_path / "y", request_timeout=0.5)


@pytest.mark.parametrize(
    ("begun", "dripped"),
    [
        (b"5;", b"a" * 2000),
        (b"5\r\nabcde\r\n0\r\n", b"X: a\r\n" * 400),
    ],
    ids=["an extension of a chunk", "trailers"],
)
@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
def test_what_only_surrounds_the_body_is_no_data(
    connect: Connect, colour: Colour, tmp_path: Path, begun: bytes, dripped: bytes, given: bool
) -> None:
    def handler(request: Received) -> None:
        request.connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + begun)
        request.drip(dripped)

    kind = {"sync": httpx.Client, "async": httpx.AsyncClient}[colour]
    with RawServer(handler) as server:
        client = connect(max_retries=0, http_client=kind() if given else None)
        began = time.monotonic()
        with pytest.raises(RequestTimeoutError):
            client.files.download(f"{server.url}/x", tmp_path / "x", request_timeout=0.5)
        assert time.monotonic() - began < LONG / 2
    assert not (tmp_path / "x").exists()


# --- sizes


def test_an_answer_that_is_too_large(connect: Connect) -> None:
    bomb = gzip.compress(b'{"id": "' + bytes(40_000_000) + b'"}', 9)

    def handler(request: Received) -> None:
        status = "200 OK" if request.path == "/application" else "500 Oops"
        request.answer(bomb, status, "Content-Encoding: gzip", "Content-Type: application/json")

    with RawServer(handler) as server:
        client = connect(base_url=server.url, max_retries=0)
        with pytest.raises(ResponseError, match="more than 16 MB"):
            client.application.get()
        with pytest.raises(ServerError) as caught:
            client.jobs.get("j")
        assert len(caught.value.body) <= 10_000
        assert len(str(caught.value)) < 2_000


# --- deletes


@pytest.mark.parametrize(
    ("status", "body", "length"),
    [
        ("204 No Content", b"", None),
        ("200 OK", b"", None),
        ("202 Accepted", b"soon\xff", None),
        ("200 OK", b'"\\ud800"', None),
        ("200 OK", b"cut", 100),
    ],
)
def test_the_body_of_a_successful_delete_is_ignored(
    connect: Connect, status: str, body: bytes, length: int | None
) -> None:
    def handler(request: Received) -> None:
        request.answer(body, status, length=length)
        if length:
            raise OSError("closes the connection")

    with RawServer(handler) as server:
        client = connect(base_url=server.url)
        client.jobs.delete("j")
        assert len(server.requests) == 1


@pytest.mark.parametrize("length", [None, 100])
def test_a_web_page_is_not_a_successful_delete(connect: Connect, length: int | None) -> None:
    def handler(request: Received) -> None:
        request.answer(b"\n<html>Please sign in</html>", length=length)
        if length:
            raise OSError("closes the connection")

    with RawServer(handler) as server:
        with pytest.raises(ResponseError, match="web page"):
            connect(base_url=server.url, max_retries=0).jobs.delete("j")


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "500 Oops"])
def test_a_delete_that_was_refused(connect: Connect, status: str) -> None:
    with RawServer(lambda request: request.answer(b"{}", status)) as server:
        with pytest.raises(MusicAiError):
            connect(base_url=server.url, max_retries=0).jobs.delete("j")
