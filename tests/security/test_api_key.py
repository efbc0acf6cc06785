"""The key is hidden in the local variables of tracebacks, in settings and in pickles."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import logging
import os
import pickle
import signal
import socket
import struct
import threading
import traceback
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest

from conftest import Connect
from musicai_sdk import AsyncMusicAiClient, CustomWorkflow, MusicAiClient, compat
from musicai_sdk.errors import ConfigurationError, MusicAiError
from support.client_logs import client_records
from support.colours import Colour
from support.hidden_key import KEY, assert_hidden, flat
from support.raw_server import RawServer, Received

# --- errors


def resets(request: Received) -> None:
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise OSError("closes")


def cuts(request: Received) -> None:
    request.answer(b'{"id":', length=100)
    raise OSError("closes")


def echo(request: Received, text: bytes) -> bytes:
    """As proxies that show the request, and services that show a wrong key."""
    key = request.headers.get("authorization", "").encode()
    return text % (key, key)


def escaped(request: Received) -> bytes:
    return b"".join(b"\\u%04x" % each for each in request.headers.get("authorization", "").encode())


ANSWERS: dict[str, Callable[[Received], None]] = {
    "reset": resets,
    "cut": cuts,
    "silent": lambda request: request.drip(b"H", 10),
    "no HTTP": lambda request: request.connection.sendall(b"SSH-2.0\r\n\r\n"),
    "bad coding": lambda request: request.answer(b"not gzip", "200 OK", "Content-Encoding: gzip"),
    "refused": lambda request: request.answer(b'{"message": "no"}', "401 No"),
    "no JSON": lambda request: request.answer(b"<html>"),
    "another shape": lambda request: request.answer(b"[]"),
    "echoed": lambda request: request.answer(echo(request, b'{"message": "%s", "code": "%s"}'), "401 No"),
    "echoed in a page": lambda request: request.answer(echo(request, b"<pre>%s</pre>%s")),
    "echoed in upper case": lambda request: request.answer(
        echo(request, b"%s %s").upper(), "502 Bad Gateway"
    ),
    "echoed with escapes": lambda request: request.answer(
        b'{"message": "%s", "code": "%s", "%s": 1}' % ((escaped(request),) * 3), "500 No"
    ),
    "escaped twice": lambda request: request.answer(
        b'{"message": "%s"}' % escaped(request).replace(b"\\", b"\\u005c"), "400 No"
    ),
    "echoed in UTF-16": lambda request: request.answer(
        echo(request, b'{"message": "%s", "code": "%s"}').decode().encode("utf-16"), "500 No"
    ),
    "echoed in the request id": lambda request: request.answer(
        b"{}", "500 No", echo(request, b"x-request-id: %s%.0s").decode()
    ),
    "echoed in the content type": lambda request: request.answer(
        b"<", "200 OK", echo(request, b"Content-Type: text/html; a=%s; b=%s").decode()
    ),
    "echoed in the location": lambda request: request.answer(
        b"", "302 Found", echo(request, b"Location: /login/%s/%s").decode()
    ),
    "elsewhere": lambda request: request.answer(b"", "302 Found", "Location: http://a.example/?secret"),
}


@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_errors(
    connect: Connect, colour: Colour, answer: str, given: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kind, unused = (
        {"sync": httpx.Client, "async": httpx.AsyncClient}[colour],
        httpx.Limits(max_keepalive_connections=0),
    )
    theirs = kind(limits=unused) if given else None
    with RawServer(ANSWERS[answer]) as server:
        client = connect(api_key=KEY, base_url=server.url, max_retries=1, timeout=0.5, http_client=theirs)
        for call in (
            client.application.get,
            lambda: client.jobs.status("j"),
            lambda: client.files.upload(b"x"),
        ):
            with client.record() as exchanges, pytest.raises(MusicAiError) as caught:
                call()
            assert_hidden(caught.value)
            assert KEY not in f"{exchanges} {[each.headers for each in exchanges]}"
    logged = "\n".join(record.getMessage() for record in client_records(caplog))
    assert "/job/j" in logged
    assert KEY not in logged


def test_a_word_of_the_client_that_is_a_key(connect: Connect) -> None:
    with RawServer(ANSWERS["refused"]) as server, pytest.raises(MusicAiError) as caught:
        connect(api_key="key", base_url=server.url).application.get()
    assert "check that the key from the argument api_key belongs" in str(caught.value)


def test_while_a_request_is_sent(connect: Connect, colour: Colour) -> None:
    """The frames that write the request have the headers as bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = connect(
            api_key=KEY, base_url=f"http://127.0.0.1:{server.getsockname()[1]}", max_retries=0, timeout=1
        )
        with pytest.raises(MusicAiError) as caught:  # larger than what the kernel takes: never read
            client.jobs.create(CustomWorkflow("a/b", {"x": "x" * 15_000_000}))
        assert_hidden(caught.value)


def test_an_interrupt() -> None:
    with RawServer(ANSWERS["silent"]) as server, MusicAiClient(KEY, base_url=server.url) as client:
        timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            client.jobs.create(CustomWorkflow("a/b", {"x": 1}))
        timer.join()
        assert_hidden(caught.value)
        names = {frame.f_globals["__name__"].split(".")[0] for frame, _ in traceback.walk_tb(caught.tb)}
        assert names.isdisjoint({"httpx", "httpcore", "h11"})
        assert "musicai_sdk" in names


def test_a_cancellation() -> None:
    async def main(url: str) -> BaseException:
        async with AsyncMusicAiClient(KEY, base_url=url) as client:
            task = asyncio.create_task(client.jobs.create(CustomWorkflow("a/b", {"x": 1})))
            await asyncio.sleep(0.3)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
        raise AssertionError

    with RawServer(ANSWERS["silent"]) as server:
        assert_hidden(asyncio.run(main(server.url)))


@pytest.mark.parametrize("kind", [MusicAiClient, AsyncMusicAiClient, compat.MusicAiClient])
@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "no URL"},
        {"timeout": -1},
        {"api_key": f"Bearer {KEY}"},
        {"api_key": f"{KEY}\n{KEY}"},
        {"api_key": KEY.encode()},
        {"max_retries": -1},
        {"ssl_context": 3},
        {"job_monitor_interval": -1},
    ],
)
def test_invalid_settings(kind: type[MusicAiClient], settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cast("Any", kind)(**{"api_key": KEY, **settings})
    assert_hidden(caught.value)


@pytest.mark.parametrize("kind", [MusicAiClient, AsyncMusicAiClient])
def test_an_invalid_http_client(kind: type[MusicAiClient]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cast("Any", kind)(KEY, http_client=3)
    assert_hidden(caught.value)


@pytest.mark.parametrize("kind", [MusicAiClient, compat.MusicAiClient])
def test_a_key_that_is_set_later(kind: type[MusicAiClient | compat.MusicAiClient]) -> None:
    with kind(KEY) as client, pytest.raises(ConfigurationError) as caught:
        client.api_key = f"{KEY} {KEY}"
    assert_hidden(caught.value)


# --- settings and clients


@pytest.mark.parametrize("kind", [MusicAiClient, AsyncMusicAiClient])
def test_settings(kind: type[MusicAiClient]) -> None:
    client = kind(KEY)
    settings = client._session.settings
    for value in (dataclasses.asdict(settings), settings, vars(client), client, vars(client._session)):
        assert KEY not in flat(value)
        assert KEY not in repr(value)
    for value in (settings, client, dataclasses.asdict(settings)):
        assert KEY.encode() not in pickle.dumps(value)
    assert repr(client.api_key) == "'…'"
    assert (client.api_key, str(client.api_key), json.dumps(client.api_key)) == (KEY, KEY, f'"{KEY}"')
    assert client.get_headers()["Authorization"] == KEY
    assert KEY not in repr(client.get_headers())
    with pytest.raises(ConfigurationError, match="another process"):
        _ = pickle.loads(pickle.dumps(settings)).api_key


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_have_the_same_key(
    connect: Connect, duplicate: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, colour: Colour
) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", "key-of-another-account")
    kind = {"sync": MusicAiClient, "async": AsyncMusicAiClient}[colour]
    with RawServer(lambda request: request.answer(b'{"id": "a"}')) as server:
        original: Any = kind(KEY, base_url=server.url, timeout=7, max_retries=1)
        other = duplicate(original)
        assert (type(other), other.api_key, other.timeout, other.max_retries) == (kind, KEY, 7, 1)
        assert other._session is not original._session
        if colour == "sync":
            original.close()
            other.application.get()
            other.close()
        else:

            async def main() -> None:
                async with other:
                    await original.close()
                    await other.application.get()

            asyncio.run(main())
        assert server.requests[0].headers["authorization"] == KEY
        other.api_key = "mine"
        assert original.api_key == KEY


def test_copies_share_a_given_client() -> None:
    with RawServer(lambda request: request.answer(b'{"id": "a"}')) as server, httpx.Client() as http:
        client = MusicAiClient(KEY, base_url=server.url, http_client=http)
        with copy.copy(client) as other:
            other.application.get()
        assert not http.is_closed
        client.application.get()
        assert len(server.requests) == 2


FAILURES: dict[str, Callable[[str], object]] = {
    "object": lambda key: {
        "code": key,
        "title": f"No {key}",
        "message": f"sent {key}",
        "request": {key: [key]},
    },
    "text": lambda key: f"sent {key}",
    "list": lambda key: [f"sent {key}"],
    "object in an object": lambda key: {"code": {"name": key}, "message": f"sent {key.upper()}"},
}


@pytest.mark.parametrize("form", FAILURES)
def test_the_error_of_a_job_that_quotes_the_request(connect: Connect, form: str) -> None:
    def answers(request: Received) -> None:
        error = FAILURES[form](request.headers["authorization"])
        job = {"id": "j", "status": "FAILED", "params": {"x": KEY}, "metadata": {"y": KEY}, "error": error}
        request.answer(json.dumps(job if request.path.startswith("/job/j") else [job]).encode())

    with RawServer(answers) as server:
        client = connect(api_key=KEY, base_url=server.url)
        for job in (client.jobs.get("j"), client.jobs.wait("j"), next(iter(client.jobs.list()))):
            with pytest.raises(MusicAiError) as caught:
                job.raise_for_failure()
            error = caught.value
            told = f"{error!r} {vars(error)} {job.failure} {job.error!r} {job['error']} {job.raw['error']}"
            assert KEY not in told
            assert KEY.upper() not in told
            assert "…" in told
            assert (job["params"], job.metadata) == ({"x": KEY}, {"y": KEY}), "these are compared"


def test_a_word_of_a_job_error_that_is_a_key(connect: Connect) -> None:
    failed = b'{"id": "j", "status": "FAILED", "error": {"message": "no key"}}'
    with RawServer(lambda request: request.answer(failed)) as server:
        job = connect(api_key="key", base_url=server.url).jobs.get("j")
    assert job.failure.message == "no key"
