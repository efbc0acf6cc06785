"""Quirks of results, of their files, and of the bytes of answers on the wire."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import google_crc32c
import httpx
import pytest

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.errors import TransferError
from musicai_sdk.sandbox import Quirks, Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from support.talking import get_request, talk, trust

CHORDS = json.dumps([{"start": number, "end": number + 1, "chord_majmin": "C:maj"} for number in range(500)])
STEMS = CustomWorkflow("stems", {})


def stems(task: Task) -> dict[str, Output]:
    outputs: dict[str, Output] = {}
    for name, data in (("Kick drum.wav", b"RIFF0000WAVE"), ("chords.json", CHORDS.encode())):
        file = task.folder / name
        file.write_bytes(data)
        outputs[file.stem] = file
    return {**outputs, "bpm": "64"}


@pytest.fixture(scope="module")
def running(plain_and_tls: Sandbox) -> Sandbox:
    plain_and_tls.workflow("stems")(stems)
    return plain_and_tls


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[MusicAiClient]:
    with sandbox.client() as client:
        yield client


@pytest.fixture
def job_id(sandbox: Sandbox, api: httpx.Client) -> str:
    sandbox.transition = "immediate"
    job_id: str = api.post("/job", json={"name": "n", "workflow": "stems", "params": {}}).json()["id"]
    return job_id


def result(api: httpx.Client, job_id: str) -> Any:
    job = api.get(f"/job/{job_id}").json()
    assert job["status"] == "SUCCEEDED"
    return job["result"]


def test_empty_results(sandbox: Sandbox, api: httpx.Client, job_id: str) -> None:
    whole = result(api, job_id)
    assert list(whole) == ["Kick drum", "chords", "bpm"]
    sandbox.quirks = Quirks(empty_results="empty")
    assert result(api, job_id) == {}
    sandbox.quirks = Quirks(empty_results="null")
    assert result(api, job_id) is None
    sandbox.quirks = Quirks(empty_results="missing")
    assert list(result(api, job_id)) == ["chords", "bpm"]
    sandbox.quirks = Quirks(empty_results="blank")
    blank = result(api, job_id)
    assert (blank["Kick drum"], blank["bpm"], list(blank)) == ("", "64", list(whole))


def test_empty_results_are_those_of_ended_jobs(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.transition = "after:60"
    sandbox.quirks = Quirks(empty_results="empty")
    job_id = api.post("/job", json={"name": "n", "workflow": "stems", "params": {}}).json()["id"]
    assert api.get(f"/job/{job_id}").json()["result"] is None


def test_nested_results(sandbox: Sandbox, api: httpx.Client, job_id: str) -> None:
    sandbox.quirks = Quirks(nested_results=True)
    nested = result(api, job_id)
    assert nested.keys() == {"bpm", "stems"}
    kick, chords = nested["stems"]["files"]
    with httpx.Client(verify=trust(sandbox)) as plain:
        assert plain.get(kick).content == b"RIFF0000WAVE"
        assert plain.get(chords).text == CHORDS


def test_shouting_urls(sandbox: Sandbox, api: httpx.Client, job_id: str) -> None:
    sandbox.quirks = Quirks(shouting_urls=True)
    url = result(api, job_id)["Kick drum"]
    assert url.startswith(urlsplit(sandbox.base_url).scheme.upper() + "://127.0.0.1:")
    with httpx.Client(verify=trust(sandbox)) as plain:
        assert plain.get(url).content == b"RIFF0000WAVE"
    assert api.get("/upload").json()["uploadUrl"].startswith("http"), "those of uploads are unchanged"


def test_repeated_urls(sandbox: Sandbox, api: httpx.Client, job_id: str) -> None:
    with httpx.Client(verify=trust(sandbox)) as plain:
        assert result(api, job_id) != result(api, job_id)
        sandbox.quirks = Quirks(repeat_urls=True)
        first = result(api, job_id)
        sandbox.clock.advance(596_100)
        assert result(api, job_id) == first
        assert plain.get(first["chords"]).status_code == 200
        sandbox.clock.advance(200)
        assert result(api, job_id) == first
        expired = plain.get(first["chords"])
        assert (expired.status_code, "ExpiredToken" in expired.text) == (400, True)
        sandbox.quirks = Quirks()
        assert plain.get(result(api, job_id)["chords"]).status_code == 200


def test_a_fault_expires_repeated_urls(sandbox: Sandbox, api: httpx.Client, job_id: str) -> None:
    sandbox.quirks = Quirks(repeat_urls=True)
    sandbox.faults.add("GET /cdn/*", expire=True, nth=1)
    with httpx.Client(verify=trust(sandbox)) as plain:
        for _ in range(2):
            assert plain.get(result(api, job_id)["chords"]).status_code == 400


def test_the_client_with_repeated_urls(
    sandbox: Sandbox, client: MusicAiClient, tmp_path: Path, job_id: str
) -> None:
    sandbox.quirks = Quirks(repeat_urls=True)
    job = client.jobs.get(job_id)
    assert client.jobs.download(job, tmp_path / "in time")
    sandbox.clock.advance(7 * 24 * 3600)
    with pytest.raises(TransferError, match="400"):
        client.jobs.download(job, tmp_path / "late")
    assert sum("/cdn/" in entry.path for entry in sandbox.requests) < 20


def test_web_pages(sandbox: Sandbox, api: httpx.Client, job_id: str) -> None:
    url = result(api, job_id)["Kick drum"]
    sandbox.quirks = Quirks(web_pages=True)
    with httpx.Client(verify=trust(sandbox)) as plain:
        answer = plain.get(url)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert answer.text.startswith("<!DOCTYPE html>")
        assert "x-goog-hash" not in answer.headers
        assert plain.head(url).content == b""
        urls = api.get("/upload").json()
        assert plain.put(urls["uploadUrl"], content=b"x").status_code == 200
        assert plain.get(urls["downloadUrl"]).content == b"x", "uploads are unchanged"


# Imported by name, because google_crc32c has no types.
crc32c_of: Callable[[bytes], int] = getattr(google_crc32c, "value")  # noqa: B009


def hashes(headers: httpx.Headers) -> dict[str, str]:
    parts = headers.get_list("x-goog-hash", split_commas=True)
    return {name: value for name, _, value in (part.partition("=") for part in parts)}


def digests(data: bytes) -> dict[str, str]:
    crc32c = crc32c_of(data)
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    return {"crc32c": b64encode(crc32c.to_bytes(4, "big")).decode(), "md5": b64encode(md5).decode()}


def test_stored_gzip(sandbox: Sandbox, api: httpx.Client, job_id: str) -> None:
    outputs = result(api, job_id)
    sandbox.quirks = Quirks(stored_gzip=True)
    with httpx.Client(verify=trust(sandbox)) as plain:
        raw = bytearray()
        with plain.stream("GET", outputs["chords"], headers={"Accept-Encoding": "gzip"}) as answer:
            for chunk in answer.iter_raw():
                raw += chunk
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers["Content-Length"]) == len(raw)
        assert gzip.decompress(raw).decode() == CHORDS

        decoded = plain.get(outputs["chords"], headers={"Accept-Encoding": "identity"})
        assert decoded.text == CHORDS
        assert "Content-Encoding" not in decoded.headers
        assert "Content-Length" not in decoded.headers
        assert decoded.headers["Transfer-Encoding"] == "chunked"
        for each in (answer, decoded):
            assert each.headers["x-goog-stored-content-encoding"] == "gzip"
            assert int(each.headers["x-goog-stored-content-length"]) == len(raw)
            assert hashes(each.headers) == digests(bytes(raw)), "hashes of the stored bytes"
            assert each.headers["Content-Type"] == "application/json"
            assert b64decode(hashes(each.headers)["md5"]).hex() in each.headers["ETag"]

        kick = plain.get(outputs["Kick drum"])
        assert kick.content == b"RIFF0000WAVE"
        assert "x-goog-stored-content-encoding" not in kick.headers


def test_ranges_of_compressed_objects(sandbox: Sandbox, api: httpx.Client, job_id: str) -> None:
    sandbox.quirks = Quirks(stored_gzip=True)
    url = result(api, job_id)["chords"]
    with httpx.Client(verify=trust(sandbox)) as plain:
        ranged = {"Range": "bytes=10-19"}
        whole = plain.get(url, headers={**ranged, "Accept-Encoding": "gzip;q=0, identity"})
        assert (whole.status_code, whole.text) == (200, CHORDS)
        with plain.stream("GET", url, headers={**ranged, "Accept-Encoding": "br, gzip"}) as part:
            data = b"".join(part.iter_raw())
        assert (part.status_code, len(data)) == (206, 10)
        assert part.headers["Content-Range"].startswith("bytes 10-19/")
        head = plain.head(url, headers={"Accept-Encoding": "identity"})
        assert (head.status_code, head.content) == (200, b"")


def test_drip(sandbox: Sandbox) -> None:
    usual, _ = talk(sandbox, get_request(sandbox, "/v1/application"))
    sandbox.quirks = Quirks(drip=0.005)
    began = time.monotonic()
    dripped, error = talk(sandbox, get_request(sandbox, "/v1/application"))
    assert error is None
    assert undated(dripped) == undated(usual), "the same bytes"
    assert time.monotonic() - began >= 0.005 * (len(dripped) - 1)


def undated(answer: bytes) -> list[bytes]:
    return [line for line in answer.split(b"\r\n") if not line.lower().startswith(b"date:")]


def test_drip_is_in_single_bytes(sandbox: Sandbox) -> None:
    if sandbox.ca_file:
        pytest.skip("seen without TLS, which has no bytes of its own")
    sandbox.quirks = Quirks(drip=0.05)
    parts = urlsplit(sandbox.base_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(get_request(sandbox, "/v1/application"))
        pieces = [connection.recv(65536) for _ in range(40)]
    assert b"".join(pieces).startswith(b"HTTP/1.1 200 OK\r\n")
    assert [len(piece) for piece in pieces].count(1) > 5


def test_drip_leaves_storage_and_the_own_endpoint_alone(
    sandbox: Sandbox, api: httpx.Client, job_id: str
) -> None:
    url = result(api, job_id)["chords"]
    sandbox.quirks = Quirks(drip=1000)
    with httpx.Client(verify=trust(sandbox), timeout=20) as plain:
        assert plain.get(url).text == CHORDS
        own = sandbox.base_url.replace("/v1", "/__sandbox__/quirks")
        assert plain.put(own, json={}).status_code == 200
    assert api.get("/application").status_code == 200


def test_connections_survive_a_drip(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.quirks = Quirks(drip=0.001)
    for _ in range(3):
        assert api.get("/application").json()["name"] == "Default Application"
        assert api.get("/job/none").status_code == 404


def test_the_client_with_many_quirks(sandbox: Sandbox, client: MusicAiClient, tmp_path: Path) -> None:
    sandbox.quirks = Quirks(page_limit=1, list_order="oldest", list_lag=3, repeat_urls=True, drip=0.0001)
    job = client.jobs.run(STEMS)
    client.jobs.download(job, tmp_path)
    assert (tmp_path / "chords.json").read_text() == CHORDS
