"""Signed URLs: which requests they allow, and the bytes of objects."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import socket
import ssl
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task

# Loading the authorities takes 40 ms, which every request without a client would do again.
TRUST = ssl.create_default_context()
get = partial(httpx.get, verify=TRUST)
put = partial(httpx.put, verify=TRUST)
head = partial(httpx.head, verify=TRUST)
post = partial(httpx.post, verify=TRUST)
delete = partial(httpx.delete, verify=TRUST)

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DATA = random.Random(7).randbytes(3_000_017)


def make(task: Task) -> dict[str, Output]:
    outputs: dict[str, Output] = {}
    for name, suffix in (("Kick drum", ".wav"), ("a/b", ".json"), ("../../x", ".bin"), ("ü%2F?", "")):
        file = task.folder / f"{len(outputs)}{suffix}"
        file.write_bytes(name.encode())
        outputs[name] = file
    return outputs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Sandbox]:
    with Sandbox(workflows={"make": make}, data_dir=folder) as sandbox:
        yield sandbox


@pytest.fixture
def urls(sandbox: Sandbox) -> tuple[str, str]:
    answer = get(f"{sandbox.base_url}/upload", headers={"Authorization": sandbox.api_key}).json()
    return answer["uploadUrl"], answer["downloadUrl"]


@pytest.fixture
def stored(urls: tuple[str, str]) -> str:
    assert put(urls[0], content=DATA, headers={"Content-Type": "audio/mpeg"}).status_code == 200
    return urls[1]


def crc32c_of(data: bytes) -> int:
    """CRC-32C by its definition."""
    table = list[int]()
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder = table[(remainder ^ byte) & 0xFF] ^ remainder >> 8
    return remainder ^ 0xFFFFFFFF


def test_the_checksum_of_this_test_is_right() -> None:
    assert crc32c_of(b"123456789") == 0xE3069283  # RFC 3720's check value for CRC-32C


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/xml"
    assert f"<Code>{code}</Code>" in answer.text


def files(folder: Path) -> list[Path]:
    return [path for part in ("objects", "scratch") for path in (folder / part).rglob("*") if path.is_file()]


def test_an_object_can_be_read_back(stored: str) -> None:
    answer = get(stored)
    assert answer.status_code == 200
    assert answer.content == DATA
    assert answer.headers["content-length"] == str(len(DATA))
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["last-modified"].endswith("GMT")


def test_hashes_are_those_of_the_data(urls: tuple[str, str], stored: str) -> None:
    md5 = hashlib.md5(DATA).digest()
    crc32c = crc32c_of(DATA).to_bytes(4, "big")
    expected = {f"md5={base64.b64encode(md5).decode()}", f"crc32c={base64.b64encode(crc32c).decode()}"}
    for answer in (get(stored), head(stored), put(urls[0], content=DATA)):
        assert set(answer.headers.get_list("x-goog-hash")) == expected
        assert answer.headers["etag"] == f'"{md5.hex()}"'


def test_head_returns_the_headers_without_the_data(stored: str) -> None:
    answer = head(stored)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(DATA))
    assert answer.content == b""


def test_an_empty_object(urls: tuple[str, str]) -> None:
    assert put(urls[0], content=b"").status_code == 200
    answer = get(urls[1])
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert get(urls[1], headers={"Range": "bytes=0-"}).status_code == 416


def test_a_chunked_put_and_one_that_replaces(folder: Path, urls: tuple[str, str]) -> None:
    for data in (b"first" * 400_000, b"second"):
        assert put(urls[0], content=iter([data[:3], data[3:]])).status_code == 200
        answer = get(urls[1])
        assert answer.content == data
        assert answer.headers["content-type"] == "application/octet-stream"
    assert len(files(folder)) == 1


@pytest.mark.parametrize(
    ("asked", "first", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-", 5, len(DATA)),
        ("bytes=1000000-2000000", 1_000_000, 2_000_001),
        ("bytes=-7", len(DATA) - 7, len(DATA)),
        ("bytes=-99999999999", 0, len(DATA)),
        ("bytes=10-99999999999", 10, len(DATA)),
    ],
)
def test_a_range(stored: str, asked: str, first: int, stop: int) -> None:
    answer = get(stored, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{stop - 1}/{len(DATA)}"
    assert answer.headers["content-length"] == str(stop - first)
    assert answer.content == DATA[first:stop]


@pytest.mark.parametrize("asked", [f"bytes={len(DATA)}-", "bytes=99999999999-", "bytes=-0"])
def test_a_range_beyond_the_end(stored: str, asked: str) -> None:
    answer = get(stored, headers={"Range": asked})
    refused(answer, 416, "InvalidRange")
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-3", "lines=1-2", "bytes=-", "bytes=a-b"])
def test_ranges_answered_with_the_whole(stored: str, asked: str) -> None:
    answer = get(stored, headers={"Range": asked})
    assert answer.status_code == 200
    assert len(answer.content) == len(DATA)


def test_if_range(stored: str) -> None:
    known = head(stored).headers
    for same in (known["etag"], known["last-modified"]):
        assert get(stored, headers={"Range": "bytes=1-2", "If-Range": same}).status_code == 206
    for changed in ('"other"', f"W/{known['etag']}", "Thu, 01 Jan 1970 00:00:00 GMT"):
        assert get(stored, headers={"Range": "bytes=1-2", "If-Range": changed}).status_code == 200


def test_a_url_is_valid_for_one_method(urls: tuple[str, str], stored: str) -> None:
    writing, reading = urls
    refused(get(writing), 403, "SignatureDoesNotMatch")
    refused(put(reading, content=b"x"), 403, "SignatureDoesNotMatch")
    assert head(writing).status_code == 403
    assert get(stored).content == DATA
    refused(post(reading), 405, "MethodNotAllowed")
    refused(delete(reading), 405, "MethodNotAllowed")


def test_a_url_is_valid_for_one_object_and_unchanged(
    sandbox: Sandbox, urls: tuple[str, str], stored: str
) -> None:
    path, _, query = urls[1].partition("?")
    *signed, signature = query.split("&")
    again = get(f"{sandbox.base_url}/upload", headers={"Authorization": sandbox.api_key}).json()
    refused(get(f"{again['downloadUrl'].partition('?')[0]}?{query}"), 403, "SignatureDoesNotMatch")
    for part in signed:
        name = part.partition("=")[0]
        refused(get(f"{path}?{query.replace(part, f'{name}=9')}"), 403, "SignatureDoesNotMatch")
        refused(get(f"{path}?{query.replace(f'{part}&', '')}"), 403, "SignatureDoesNotMatch")
    refused(get(f"{path}?{query.replace(signature, 'X-Goog-Signature=ü')}"), 403, "SignatureDoesNotMatch")
    refused(get(f"{path}?{'&'.join(signed)}"), 403, "AccessDenied")
    refused(get(path), 403, "AccessDenied")


def test_the_api_key_grants_no_access(sandbox: Sandbox, stored: str) -> None:
    headers = {"Authorization": sandbox.api_key}
    refused(get(stored.partition("?")[0], headers=headers), 403, "AccessDenied")
    assert get(stored, headers={"Authorization": "wrong"}).status_code == 200


def test_urls_expire_on_the_sandbox_clock(sandbox: Sandbox, urls: tuple[str, str], stored: str) -> None:
    sandbox.clock.advance(24 * 3600 - 10)
    assert get(stored).status_code == 200
    sandbox.clock.advance(15)
    refused(get(stored), 400, "ExpiredToken")
    refused(put(urls[0], content=b"x"), 400, "ExpiredToken")
    with pytest.raises(ValueError, match="forward"):
        sandbox.clock.advance(-1)


def test_the_lifetime_of_urls_can_be_set() -> None:
    with Sandbox(workflows={}, url_ttl=5) as short:
        url = get(f"{short.base_url}/upload", headers={"Authorization": short.api_key}).json()["uploadUrl"]
        short.clock.advance(10)
        refused(put(url, content=b"x"), 400, "ExpiredToken")


def test_a_missing_object(urls: tuple[str, str]) -> None:
    refused(get(urls[1]), 404, "NoSuchKey")


@pytest.mark.parametrize("header", [b"Content-Length: 3000000", b"Transfer-Encoding: chunked"])
def test_a_truncated_put_stores_nothing(folder: Path, urls: tuple[str, str], header: bytes) -> None:
    parts = urlsplit(urls[0])
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        target = f"{parts.path}?{parts.query}".encode()
        connection.sendall(b"PUT " + target + b" HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
        piece = b"x" * 2_000_000
        connection.sendall(
            piece if header.startswith(b"Content") else b"%x\r\n" % len(piece) + piece + b"\r\n"
        )
    deadline = time.monotonic() + 10
    while files(folder):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    refused(get(urls[1]), 404, "NoSuchKey")


MD5 = base64.b64encode(hashlib.md5(DATA).digest()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-MD5": base64.b64encode(bytes(16)).decode()},
        {"Content-MD5": "no base64"},
        {"x-goog-hash": "crc32c=AAAAAA=="},
        {"x-goog-hash": f"crc32c=AAAAAA==, md5={MD5}"},
    ],
)
def test_a_put_with_a_wrong_digest_is_refused(
    folder: Path, urls: tuple[str, str], headers: dict[str, str]
) -> None:
    before = set(files(folder))  # A request of an earlier test may still be ending.
    refused(put(urls[0], content=DATA, headers=headers), 400, "BadDigest")
    refused(get(urls[1]), 404, "NoSuchKey")
    assert set(files(folder)) <= before


def test_a_put_with_the_right_digest(urls: tuple[str, str]) -> None:
    crc32c = base64.b64encode(crc32c_of(DATA).to_bytes(4, "big")).decode()
    headers = {"Content-MD5": MD5, "x-goog-hash": f"crc32c={crc32c},md5={MD5}"}
    assert put(urls[0], content=DATA, headers=headers).status_code == 200
    assert get(urls[1]).content == DATA


def test_a_truncated_put_keeps_the_old_object(folder: Path, urls: tuple[str, str], stored: str) -> None:
    def half() -> Iterator[bytes]:
        yield b"x" * 1_500_000
        raise RuntimeError("the caller gave up")

    with pytest.raises(RuntimeError, match="gave up"):
        put(urls[0], content=half())
    assert get(stored).content == DATA


def test_result_files_by_name_and_type(sandbox: Sandbox) -> None:
    headers = {"Authorization": sandbox.api_key}
    body: dict[str, Any] = {"name": "My song/1", "workflow": "make", "params": {}}
    with httpx.Client(verify=TRUST, base_url=sandbox.base_url, headers=headers) as api:
        job_id = api.post("/job", json=body).json()["id"]
        while (job := api.get(f"/job/{job_id}").json())["status"] != "SUCCEEDED":
            assert job["status"] != "FAILED", job["error"]
            time.sleep(0.01)
    ends = {
        "Kick drum": ("Kick%20drum.wav", "audio/wav"),
        "a/b": ("a%2Fb.json", "application/json"),
        "../../x": ("..%2F..%2Fx.bin", "application/octet-stream"),
        "ü%2F?": ("%C3%BC%252F%3F", "application/octet-stream"),
    }
    for name, (end, kind) in ends.items():
        url: str = job["result"][name]
        folder, _, file = urlsplit(url).path.rpartition("/")
        assert re.fullmatch(f"/cdn/orchestrator/{UUID}/{job_id}", folder)
        assert file == f"My%20song%2F1--{end}"
        answer = get(url)
        assert (answer.status_code, answer.content) == (200, name.encode())
        assert answer.headers["content-type"] == kind
        refused(put(url, content=b"x"), 405, "MethodNotAllowed")
        refused(get(url.partition("?")[0]), 403, "AccessDenied")
    sandbox.clock.advance(596_165)
    refused(get(job["result"]["a/b"]), 400, "ExpiredToken")
    fresh = get(f"{sandbox.base_url}/job/{job_id}", headers=headers).json()["result"]["a/b"]
    assert get(fresh).status_code == 200
