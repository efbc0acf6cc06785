"""Uploads and downloads over real sockets."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk._io import direct
from musicai_sdk.errors import IntegrityError, ResponseError, TransferError
from musicai_sdk.models import Chord, FileUrl, JsonFile
from musicai_sdk.sandbox import Sandbox

CONTENT = bytes(range(256)) * 12_345


@pytest.fixture(params=["direct", "ordinary"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies are read directly from the socket, or by httpx; every test runs with both."""
    monkeypatch.setattr(direct, "SMALLEST", 1 if request.param == "direct" else 1 << 60)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    path.write_bytes(CONTENT)
    return path


def fetched(client: MusicAiClient, url: str, folder: Path) -> bytes:
    done = client.files.download(url, folder / "fetched")
    assert (done.path, done.size) == (folder / "fetched", len(done.path.read_bytes()))
    return done.path.read_bytes()


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "open file", "BytesIO"])
def test_an_upload_can_be_downloaded(client: MusicAiClient, file: Path, tmp_path: Path, kind: str) -> None:
    with file.open("rb") as opened:
        source = {
            "path": file,
            "str": str(file),
            "bytes": CONTENT,
            "open file": opened,
            "BytesIO": io.BytesIO(CONTENT),
        }[kind]
        uploaded = client.files.upload(source)  # type: ignore[arg-type]
    assert uploaded.size == len(CONTENT)
    assert fetched(client, uploaded.url, tmp_path) == CONTENT
    assert "ignature" not in repr(uploaded)


def test_an_open_file_is_read_from_its_position(client: MusicAiClient, file: Path, tmp_path: Path) -> None:
    with file.open("rb") as opened:
        opened.seek(1000)
        assert client.files.upload(opened).size == len(CONTENT) - 1000


def test_a_pipe_can_be_uploaded(client: MusicAiClient, tmp_path: Path) -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(b"through a pipe")

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as pipe:
        uploaded = client.files.upload(pipe)
    writer.join()
    assert fetched(client, uploaded.url, tmp_path) == b"through a pipe"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_named_pipe_can_be_uploaded(client: MusicAiClient, tmp_path: Path) -> None:
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=[b"through a pipe"])
    thread.start()
    uploaded = client.files.upload(path)
    thread.join()
    assert fetched(client, uploaded.url, tmp_path) == b"through a pipe"


def test_progress_counts_bytes(client: MusicAiClient, file: Path, tmp_path: Path) -> None:
    up, down = list[tuple[int, int | None]](), list[tuple[int, int | None]]()
    uploaded = client.files.upload(file, on_progress=lambda done, total: up.append((done, total)))
    client.files.download(
        uploaded.url, tmp_path / "x", on_progress=lambda done, total: down.append((done, total))
    )
    for steps in (up, down):
        assert steps[-1] == (len(CONTENT), len(CONTENT))
        assert [done for done, _ in steps] == sorted({done for done, _ in steps})


@pytest.mark.parametrize("reset", ["before", "after"])
def test_a_broken_upload_restarts_with_a_new_url(
    client: MusicAiClient, sandbox: Sandbox, file: Path, tmp_path: Path, reset: str
) -> None:
    sandbox.faults.add("PUT /moises-sandbox/*", reset=reset, nth=1)  # type: ignore[arg-type]
    uploaded = client.files.upload(file)
    puts = [entry.path for entry in sandbox.requests if entry.method == "PUT"]
    assert len(puts) == len(set(puts)) == 2
    assert fetched(client, uploaded.url, tmp_path) == CONTENT


def test_a_refused_upload(client: MusicAiClient, sandbox: Sandbox, file: Path) -> None:
    sandbox.faults.add("PUT /moises-sandbox/*", status=403, body="<Error><Code>ExpiredToken</Code></Error>")
    with pytest.raises(TransferError, match=r"403 \(ExpiredToken\)") as caught:
        client.files.upload(file)
    assert caught.value.status == 403
    assert "jobs.get" not in str(caught.value), "an upload has no job with a new URL"
    assert "ignature" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("\n<!doctype html><title>Log in</title>", {}),
        ("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", {}),
        ({"error": {"code": 403}}, {}),
        ({"message": "The session has expired"}, {}),
        ("", {"x-goog-stored-content-length": "1000"}),
    ],
)
def test_an_upload_that_only_seems_to_succeed(
    connect: Any, sandbox: Sandbox, file: Path, body: Any, headers: dict[str, str]
) -> None:
    client = connect(max_retries=1)
    fault = sandbox.faults.add("PUT /moises-sandbox/*", status=200, body=body, headers=headers)
    with pytest.raises(IntegrityError, match=r"may not be stored|1000 of the"):
        client.jobs.create(CustomWorkflow("sdk-test", {"file": file}))
    assert fault.hits == 2, "it is tried again"
    assert sandbox.jobs == []


@pytest.mark.parametrize("change", ["grow", "shrink"])
def test_a_file_that_changes_during_the_upload(client: MusicAiClient, tmp_path: Path, change: str) -> None:
    path = tmp_path / "growing.wav"
    path.write_bytes(b"x" * 3_000_000)

    def disturb(done: int, total: int | None) -> None:
        with path.open("r+b") as file:
            if change == "grow":
                file.seek(0, os.SEEK_END)
                file.write(b"more")
            else:
                file.truncate(1_500_000)

    with pytest.raises(TransferError, match="changed its size"):
        client.files.upload(path, on_progress=disturb)


def test_a_truncated_download_is_repeated(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    url = client.files.upload(CONTENT).url
    sandbox.faults.add("GET /moises-sandbox/*", truncate=1000, nth=1)
    assert fetched(client, url, tmp_path) == CONTENT


def test_a_download_that_is_always_truncated(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    url = client.files.upload(CONTENT).url
    target = tmp_path / "out" / "song.wav"
    target.parent.mkdir()
    target.write_bytes(b"what was there before")
    sandbox.faults.add("GET /moises-sandbox/*", truncate=1000)
    with pytest.raises(IntegrityError, match=f"4000 of {len(CONTENT)} bytes") as caught:
        client.files.download(url, target)
    assert "ignature" not in str(caught.value)
    assert target.read_bytes() == b"what was there before"
    # The received data stay, so that a later call can resume.
    assert sorted(path.name for path in target.parent.iterdir()) == [
        "song.wav",
        "song.wav.part",
        "song.wav.part-of",
    ]


def test_an_expired_result_url_is_renewed(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    job = client.jobs.run(CustomWorkflow("sdk-test", {"file": client.files.upload(CONTENT)}))
    sandbox.clock.advance(365 * 24 * 3600)
    with pytest.raises(TransferError, match="400"):
        client.files.download(job.outputs["file"], tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(TransferError, match=r"expired.*: client\.jobs\.get\(job\) returns"):
        client.files.read(JsonFile(str(job.outputs["file"])))
    files = client.jobs.download(job, tmp_path / "out")
    assert files["file"].read_bytes() == CONTENT


def test_outputs_are_complete_or_absent(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    good = client.files.upload(b"good").url
    result = {"good": good, "bad": f"{sandbox.base_url}/nothing.wav"}
    sandbox.faults.add("GET /job/{id}", body={"id": "j", "status": "SUCCEEDED", "result": result})
    with pytest.raises(TransferError):
        client.jobs.download("j", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"good", "good.part", "good.part-of"}


def test_the_key_never_reaches_the_storage(client: MusicAiClient, sandbox: Sandbox, tmp_path: Path) -> None:
    # The server echoes the head of the request, with everything that the client sent.
    head = bytearray()
    with _listening() as (url, server):
        thread = threading.Thread(target=_answer_once, args=(server, head))
        thread.start()
        client.files.download(url, tmp_path / "x")
        thread.join()
    assert b"accept-encoding: identity" in head.lower()
    assert sandbox.api_key.encode() not in head
    assert b"authorization" not in head.lower()


def test_read_json(client: MusicAiClient, tmp_path: Path) -> None:
    chord = {"start": 0, "end": 1.5, "chord_majmin": "C:maj", "new_field": 3}
    url = client.files.upload(json.dumps([chord]).encode()).url
    chords = client.files.read(JsonFile[list[Chord]](url, list[Chord]))
    assert chords == [Chord.model_validate(chord)]
    assert client.files.read(JsonFile(url)) == [chord]
    for untyped in (url, FileUrl(url)):  # type checkers object
        assert client.files.read(cast("Any", untyped)) == [chord]
    with pytest.raises(ResponseError, match="field 0") as caught:
        client.files.read(JsonFile[list[int]](url, list[int]))
    assert "ignature" not in str(caught.value)


@contextmanager
def _listening() -> Generator[tuple[str, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/file?Signature=s", server


def _answer_once(server: socket.socket, head: bytearray) -> None:
    connection, _ = server.accept()
    with connection:
        head += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
