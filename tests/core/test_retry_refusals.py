"""Which answers to a paid POST prove that the server did nothing, and temporary errors of this machine."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from conftest import Connect
from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk._core.retry import REFUSALS, is_transient, may_have_acted
from musicai_sdk.errors import (
    ConnectionFailedError,
    CreateUncertainError,
    ResponseError,
    StatusError,
    TransferError,
)
from support.raw_server import RawServer, Received


@pytest.mark.parametrize("status", [*range(300, 309), 408, 409, 425, 499, 500, 503, 521, 599, 600, 999])
def test_every_other_status_may_follow_an_action(status: int) -> None:
    assert may_have_acted(StatusError("x", status=status, message="x"))


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_refusals(status: int) -> None:
    assert not may_have_acted(StatusError("x", status=status, message="x"))


def test_other_errors() -> None:
    assert may_have_acted(ResponseError("x"))
    assert may_have_acted(ConnectionFailedError("x", sent=True))
    assert not may_have_acted(ConnectionFailedError("x", sent=False))


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_redirect_is_not_a_refusal(connect: Connect, status: str) -> None:
    def handler(request: Received) -> None:
        if request.method == "POST":
            request.answer(b"", status, "Location: https://a.example/job?secret=1")
        else:
            request.answer(b"[]")

    with RawServer(handler) as server:
        client = connect(base_url=server.url)
        with pytest.raises(CreateUncertainError, match="may have been carried out nevertheless") as caught:
            client.jobs.create(CustomWorkflow("a/b", {"x": 1}))
        assert [request.method for request in server.requests].count("POST") == 1
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        ("429 Too Many Requests", {"id": "0f0e3c4e", "status": "QUEUED", "message": "queued"}, False),
        ("400 Bad Request", {"jobId": "0f0e3c4e"}, False),
        ("402 Payment Required", {"id": 7}, False),
        ("413 Content Too Large", {"id": "0f0e3c4e", "message": "too large"}, False),
        ("402 Payment Required", {"id": None, "message": "no credits"}, True),
        ("400 Bad Request", {"id": "none"}, True),
    ],
)
def test_a_refusal_that_names_a_job_is_none(
    connect: Connect, status: str, body: dict[str, object], refused: bool
) -> None:
    jobs = list[object]()

    def handler(request: Received) -> None:
        if request.method == "POST":
            jobs.append(
                {"id": "0f0e3c4e", "status": "QUEUED", "metadata": json.loads(request.body)["metadata"]}
            )
            request.answer(json.dumps(body).encode(), status, "Retry-After: 0")
        else:
            request.answer(json.dumps(jobs if "page=0" in request.path else []).encode())

    with RawServer(handler) as server:
        client = connect(base_url=server.url, max_retries=2)
        workflow = CustomWorkflow("a/b", {"x": 1})
        if refused:
            with pytest.raises(StatusError):
                client.jobs.create(workflow)
        else:
            assert client.jobs.create(workflow).id == "0f0e3c4e"
    assert len(jobs) == 1


# --- too many open files


PROGRAM = """
import os, resource, sys, threading
from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk.errors import ConnectionFailedError
import asyncio, httpx, httpcore, tenacity, anyio, anyio._backends._asyncio, encodings.idna

url, colour = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
def take():
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
def give():
    while taken:
        os.close(taken.pop())

with MusicAiClient("key", base_url=url) as client:
    client.jobs.status("j")  # loads what it needs

async def main():
    async with AsyncMusicAiClient("key", base_url=url, max_retries=20) as client:
        take()
        threading.Timer(0.5, give).start()
        print((await client.jobs.status("j")).status)
        take()
        async with AsyncMusicAiClient("key", base_url=url, max_retries=0) as other:
            try:
                await other.jobs.status("j")
            except ConnectionFailedError as error:
                give()
                print(error.sent)

if colour == "async":
    asyncio.run(main())
else:
    with MusicAiClient("key", base_url=url, max_retries=20) as client:
        take()
        threading.Timer(0.5, give).start()
        print(client.jobs.status("j").status)
    with MusicAiClient("key", base_url=url, max_retries=0) as client:
        take()
        try:
            client.jobs.status("j")
        except ConnectionFailedError as error:
            give()
            print(error.sent)
"""


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_too_many_open_files(colour: str) -> None:
    with RawServer(lambda request: request.answer(b'{"id": "j", "status": "QUEUED"}')) as server:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, server.url, colour],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.stdout.split() == ["QUEUED", "False"], done.stderr


def test_a_transfer_with_too_many_open_files() -> None:
    error = TransferError("can't write")
    error.__cause__ = OSError(24, "Too many open files")
    assert is_transient(error)
    error.__cause__ = OSError(28, "No space left on device")
    assert not is_transient(error)


# --- the log


def test_messages_of_the_service_are_printable(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    with RawServer(
        lambda request: request.answer(b'{"message": "\\u001b[2J\\u009b1m gone"}', "503 Busy")
    ) as server:
        client: MusicAiClient = connect(base_url=server.url, max_retries=1)
        with caplog.at_level(logging.DEBUG, "musicai_sdk"), pytest.raises(StatusError) as caught:
            client.jobs.get("j")
    assert "gone" in caplog.text
    for text in (caplog.text, str(caught.value), repr(caught.value), caught.value.message):
        assert "\x1b" not in text
        assert "\x9b" not in text
