"""Every kind of fault on the wire, through a plain socket without an HTTP client."""

from __future__ import annotations

import hashlib
import select
import socket
import time
import zlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from musicai_sdk.sandbox import Sandbox
from support.talking import BODY, create_request, get_request, talk, trust

DATA = b"0123456789" * 20_000


@pytest.fixture(scope="module")
def running(plain_and_tls: Sandbox) -> Sandbox:
    return plain_and_tls


@pytest.fixture
def stored(api: httpx.Client) -> str:
    """The URL of an object that holds `DATA`."""
    urls = api.get("/upload").json()
    api.put(urls["uploadUrl"], content=DATA)
    url: str = urls["downloadUrl"]
    return url


def split(answer: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Status line, headers and body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers = dict[str, str]()
    for line in lines:
        name, _, value = line.decode().partition(": ")
        headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    return first, headers, body


def dechunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        whole += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return whole


def connected(sandbox: Sandbox) -> bool:
    parts = urlsplit(sandbox.base_url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20).close()
    except ConnectionRefusedError:
        return False
    return True


def test_latency(sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", delay=0.3)
    begin = time.monotonic()
    received, error = talk(sandbox, get_request(sandbox, "/v1/application"))
    assert time.monotonic() - begin >= 0.3
    assert (received.startswith(b"HTTP/1.1 200"), error) == (True, None)


@pytest.mark.parametrize("status", [401, 404, 422, 429, 500, 502, 503])
def test_statuses(sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add("POST /job", status=status, nth=1)
    received, _ = talk(sandbox, create_request(sandbox) + get_request(sandbox, "/v1/application"))
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert received.count(b"HTTP/1.1 200 OK") == 1, "the connection continues"
    assert sandbox.jobs == []


def test_retry_after_in_seconds_and_as_a_date(sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /job", retry_after=7, nth=1)
    sandbox.faults.add("GET /job", status=503, retry_after_date=90, nth=2)
    first, headers, _ = split(talk(sandbox, get_request(sandbox, "/v1/job"))[0])
    assert (first, headers["retry-after"]) == (b"HTTP/1.1 429 Too Many Requests", "7")
    first, headers, _ = split(talk(sandbox, get_request(sandbox, "/v1/job"))[0])
    assert first == b"HTTP/1.1 503 Service Unavailable"
    ahead = parsedate_to_datetime(headers["retry-after"]) - datetime.now(UTC)
    assert timedelta(seconds=60) < ahead <= timedelta(seconds=90)


def test_connections_refused_from_a_request_on(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.faults.add("POST /job", refuse=0.5, nth=1)
    received, _ = talk(sandbox, create_request(sandbox))
    assert received == b""
    assert not connected(sandbox)
    assert sandbox.jobs == []
    deadline = time.monotonic() + 20
    while not connected(sandbox):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert api.get("/application").status_code == 200


def test_connections_refused_for_a_while(sandbox: Sandbox, api: httpx.Client) -> None:
    assert api.get("/application").status_code == 200
    with sandbox.refusing():
        assert not connected(sandbox)
        with pytest.raises(httpx.TransportError):  # The idle connection is gone, and there is no new one.
            api.get("/application")
        with sandbox.refusing():
            assert not connected(sandbox)
    assert api.get("/application").status_code == 200
    sandbox.faults.add("* *", refuse=60, nth=1)
    talk(sandbox, get_request(sandbox, "/v1/application"))
    assert not connected(sandbox)
    sandbox.reset()
    assert connected(sandbox)


def test_a_sandbox_stops_while_it_refuses() -> None:
    with Sandbox(workflows={}) as sandbox:
        sandbox.faults.add("* *", refuse=60)
        talk(sandbox, get_request(sandbox, "/v1/application"))
    with sandbox:
        assert connected(sandbox)


@pytest.mark.parametrize(("when", "created"), [("before", 0), ("after", 1)])
def test_resets(sandbox: Sandbox, when: Any, created: int) -> None:
    sandbox.faults.add("POST /job", reset=when, nth=1)
    received, error = talk(sandbox, create_request(sandbox))
    assert received == b""
    assert isinstance(error, ConnectionResetError)
    assert len(sandbox.jobs) == created


@pytest.mark.parametrize(("when", "created"), [("before", 0), ("after", 1)])
def test_hangs(running: Sandbox, sandbox: Sandbox, when: Any, created: int) -> None:
    if running.ca_file:
        pytest.skip("seen without TLS, which would hide whether bytes come")
    sandbox.faults.add("POST /job", hang=when, nth=1)
    parts = urlsplit(sandbox.base_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(create_request(sandbox))
        assert select.select([connection], [], [], 0.4) == ([], [], []), "no answer, and no end"
        assert len(sandbox.jobs) == created


def test_a_truncated_body(sandbox: Sandbox, stored: str) -> None:
    sandbox.faults.add("GET /moises-sandbox/*", truncate=1234)
    received, error = talk(sandbox, get_request(sandbox, stored))
    _, headers, body = split(received)
    assert (headers["content-length"], body, error) == ("200000", DATA[:1234], None)


def test_a_garbled_body(sandbox: Sandbox, stored: str) -> None:
    sandbox.faults.add("GET /moises-sandbox/*", garble="body")
    _, headers, body = split(talk(sandbox, get_request(sandbox, stored))[0])
    wrong = sum(one != other for one, other in zip(body, DATA, strict=True))
    assert 0.005 < wrong / len(DATA) < 0.02
    assert f"md5={b64encode(hashlib.md5(DATA).digest()).decode()}" in headers["x-goog-hash"]


def test_garble_instead_of_http(sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", garble="head")
    received, error = talk(sandbox, get_request(sandbox, "/v1/application"))
    assert (received.startswith(b"\x16\x03\x01"), b"HTTP/1.1" in received, error) == (True, False, None)


@pytest.mark.parametrize("by", [-5000, 5000, -(10**9)])
def test_a_wrong_length(sandbox: Sandbox, stored: str, by: int) -> None:
    sandbox.faults.add("GET /moises-sandbox/*", length=by)
    _, headers, body = split(talk(sandbox, get_request(sandbox, stored))[0])
    assert headers["content-length"] == str(max(0, len(DATA) + by))
    assert body == DATA


def test_a_wrong_checksum(sandbox: Sandbox, stored: str) -> None:
    sandbox.faults.add("GET /moises-sandbox/*", checksum="wrong")
    _, headers, body = split(talk(sandbox, get_request(sandbox, stored))[0])
    assert body == DATA
    assert headers["x-goog-hash"] == "crc32c=AAAAAA==, md5=AAAAAAAAAAAAAAAAAAAAAA=="
    assert headers["etag"] == f'"{"0" * 32}"'


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_unrequested_compressed_body(sandbox: Sandbox, stored: str, encoding: Any) -> None:
    sandbox.faults.add("GET /moises-sandbox/*", compress=encoding)
    request = get_request(sandbox, stored).replace(b"Host: x", b"Host: x\r\nAccept-Encoding: identity")
    _, headers, body = split(talk(sandbox, request)[0])
    assert headers["content-encoding"] == encoding
    assert "content-length" not in headers
    assert zlib.decompress(dechunked(body), wbits=31 if encoding == "gzip" else 15) == DATA


def test_a_dripping_body(sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", drip=200)
    begin = time.monotonic()
    _, headers, body = split(talk(sandbox, get_request(sandbox, "/v1/application"))[0])
    assert int(headers["content-length"]) == len(body) > 60
    assert time.monotonic() - begin > len(body) / 200 / 2


def test_a_redirect_to_another_host(sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", redirect="https://elsewhere.invalid/v1/application", nth=1)
    sandbox.faults.add("GET /application", redirect="https://elsewhere.invalid/", status=307, nth=2)
    first, headers, _ = split(talk(sandbox, get_request(sandbox, "/v1/application"))[0])
    assert (first, headers["location"]) == (
        b"HTTP/1.1 302 Found",
        "https://elsewhere.invalid/v1/application",
    )
    first, headers, _ = split(talk(sandbox, get_request(sandbox, "/v1/application"))[0])
    assert first.startswith(b"HTTP/1.1 307 ")


def test_a_url_that_expires_midway(sandbox: Sandbox, stored: str) -> None:
    sandbox.faults.add("GET /moises-sandbox/*", expire=True, truncate=1000, nth=1)
    first, headers, body = split(talk(sandbox, get_request(sandbox, stored))[0])
    assert (first, headers["content-length"], body) == (b"HTTP/1.1 200 OK", "200000", DATA[:1000])
    first, _, body = split(talk(sandbox, get_request(sandbox, stored))[0])
    assert first == b"HTTP/1.1 400 Bad Request"
    assert b"<Code>ExpiredToken</Code>" in body
    sandbox.faults.clear()


def test_a_url_that_has_expired(sandbox: Sandbox, api: httpx.Client, stored: str) -> None:
    sandbox.faults.add("GET /moises-sandbox/*", expire=True, nth=1)
    for _ in range(2):
        first, _, body = split(talk(sandbox, get_request(sandbox, stored))[0])
        assert (first, b"<Code>ExpiredToken</Code>" in body) == (b"HTTP/1.1 400 Bad Request", True)


def test_a_share_of_the_requests_by_seed() -> None:
    def seen(of: int, **options: Any) -> list[int]:
        with Sandbox(workflows={}, seed=of) as sandbox:
            request = get_request(sandbox, "/v1/application").replace(b"Connection: close\r\n", b"")
            sandbox.faults.add("GET /application", status=500, probability=0.3, **options)
            received, _ = talk(sandbox, request * 60 + get_request(sandbox, "/v1/upload"))
            return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:61]]

    first = seen(1)
    assert len(first) == 60
    assert 8 <= first.count(500) <= 30
    assert seen(1) == first
    assert seen(2) != first
    assert seen(2, seed=1) == first
    assert seen(1, times=3).count(500) == 3
    assert 500 not in seen(1, nth=100, times=9)


def test_a_request_delayed_beyond_a_reset_leaves_no_trace(sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", delay=0.4)
    parts = urlsplit(sandbox.base_url)
    headers = {"Authorization": sandbox.api_key}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{sandbox.base_url}/job", json=BODY, headers=headers, timeout=0.1,
            verify=trust(sandbox),
        )  # fmt: skip
    sandbox.reset()
    assert parts.port
    time.sleep(0.6)
    assert (sandbox.requests, sandbox.jobs) == ([], [])
