"""Life cycles of clients: threads, forks, loops, given HTTP clients, cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import pickle
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from musicai_sdk import AsyncMusicAiClient, CustomWorkflow, MusicAiClient
from musicai_sdk._io import direct
from musicai_sdk._io.asynchronous import AsyncIO
from musicai_sdk.errors import ConfigurationError, ConnectionFailedError, MusicAiError, StatusError
from musicai_sdk.sandbox import Sandbox


def test_threads_share_a_client(sandbox: Sandbox) -> None:
    with sandbox.client() as client, ThreadPoolExecutor(32) as pool:
        futures = [pool.submit(client.application.get) for _ in range(200)]
        names = [future.result().name for future in futures]
    assert names == ["Default Application"] * 200


def test_inside_a_running_loop(sandbox: Sandbox) -> None:
    async def main() -> str | None:
        with sandbox.client() as client:  # blocks the loop, but works, as in a notebook cell
            assert list(client.jobs.list()) == []
            return client.application.get().name

    assert asyncio.run(main()) == "Default Application"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        client.application.get()
        child = os.fork()
        if child == 0:
            good = False
            try:
                good = client.application.get().name == "Default Application"
            finally:
                os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        client.application.get()
    assert [entry.path for entry in sandbox.requests] == ["/v1/application"] * 3


def test_a_second_loop_is_a_clear_error(sandbox: Sandbox) -> None:
    client = sandbox.async_client()

    async def use() -> None:
        await client.application.get()

    with asyncio.Runner() as first:
        first.run(use())
        with asyncio.Runner() as second, pytest.raises(ConfigurationError, match="another event loop"):
            second.run(use())
        first.run(client.close())


def test_a_second_loop_is_a_clear_error_also_where_the_first_has_ended(sandbox: Sandbox) -> None:
    client = sandbox.async_client()

    async def use() -> None:
        assert (await client.application.get()).name == "Default Application"

    async def use_and_close() -> None:
        async with client:
            await use()

    asyncio.run(use())  # leaves the client open: its connections are closed with the loop
    assert not _transports(client)
    for words in ("another event loop", "is closed"):
        with pytest.raises(ConfigurationError, match=words):
            asyncio.run(use_and_close())


def test_a_loop_that_ended_without_its_generators(sandbox: Sandbox) -> None:
    client = sandbox.async_client()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.application.get())
    assert len(_transports(client)) == 1
    loop.close()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # asyncio's own transports, which it can no longer close
        asyncio.run(client.close())
        gc.collect()
    assert not _transports(client)


def test_a_client_closed_in_another_loop_is_cleaned_up_by_its_own(sandbox: Sandbox) -> None:
    client = sandbox.async_client()

    async def use() -> None:
        await client.application.get()

    with asyncio.Runner() as first:
        first.run(use())
        asyncio.run(client.close())
        assert len(_transports(client)) == 1
        first.run(client.close())
        assert not _transports(client)
        with pytest.raises(ConfigurationError, match="is closed"):
            first.run(use())


def _transports(client: AsyncMusicAiClient) -> dict[Any, Any]:
    io = client._session.io
    assert isinstance(io, AsyncIO)
    return dict(io.pool.transports)


def test_a_given_client_is_used_and_stays_open(sandbox: Sandbox, tmp_path: Path) -> None:
    with httpx.Client(headers={"x-mine": "1"}) as http:
        client = sandbox.client(http_client=http)
        client.files.download(client.files.upload(b"abc").url, tmp_path / "x")
        client.close()
        assert not http.is_closed
    assert {entry.headers.get("x-mine") for entry in sandbox.requests} == {"1"}

    async def main() -> None:
        async with httpx.AsyncClient(headers={"x-mine": "2"}) as http:
            async with sandbox.async_client(http_client=http) as client:
                await client.files.download((await client.files.upload(b"abc" * 999_999)).url, tmp_path / "y")
            assert not http.is_closed

    asyncio.run(main())
    assert (tmp_path / "y").read_bytes() == b"abc" * 999_999
    assert [entry.headers.get("x-mine") for entry in sandbox.requests][-3:] == ["2"] * 3


def test_a_given_client_never_follows_redirects(sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", status=302, headers={"location": f"{sandbox.base_url}/upload"})
    with httpx.Client(follow_redirects=True) as http, sandbox.client(http_client=http) as client:
        with pytest.raises(StatusError) as told:
            client.application.get()
    assert "redirected" in str(told.value)
    assert len(sandbox.requests) == 1


def test_cancelling_a_transfer_leaves_no_half_file(sandbox: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "x.wav"

    async def main() -> None:
        async with sandbox.async_client() as client:
            url = (await client.files.upload(bytes(50_000_000))).url
            begun = asyncio.Event()
            loop = asyncio.get_running_loop()

            def progress(done: int, total: int | None) -> None:
                loop.call_soon_threadsafe(begun.set)
                time.sleep(0.01)

            task = asyncio.create_task(client.files.download(url, target, on_progress=progress))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert not target.exists()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("silence", [{"hang": "before"}, {"drip": 0.01}], ids=["silent", "slow"])
def test_a_transfer_that_hangs_keeps_no_event_loop_alive(
    tmp_path: Path, silence: dict[str, Any], *, tls: bool
) -> None:
    with Sandbox(tls=tls) as sandbox:

        async def main() -> None:
            async with sandbox.async_client(timeout=None) as client:
                file = await client.files.upload(bytes(2 * direct.SMALLEST))
                sandbox.faults.add("GET /moises-sandbox/*", **silence)
                download = asyncio.create_task(client.files.download(file.url, tmp_path / "song.wav"))
                await asyncio.sleep(1)
                download.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await download

        thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive()
    assert not (tmp_path / "song.wav").exists()


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_nothing_is_left_behind(sandbox: Sandbox, colour: str) -> None:
    before = set(threading.enumerate())
    if colour == "sync":
        with sandbox.client() as client:
            client.files.upload(b"abc")
    else:

        async def main() -> None:
            async with sandbox.async_client() as client:
                await client.files.upload(b"abc")

        asyncio.run(main())
    left = [each for each in set(threading.enumerate()) - before if each.name.startswith("musicai_sdk")]
    for thread in left:
        thread.join(10)  # its work is done, and it may be about to end
    assert not any(thread.is_alive() for thread in left)


def test_the_repr_of_a_client_hides_its_key() -> None:
    shown = repr(MusicAiClient("secret-key", base_url="https://host/v1"))
    assert shown == "MusicAiClient(base_url='https://host/v1')"
    assert repr(AsyncMusicAiClient("secret-key", base_url="https://host/v1")) == f"Async{shown}"


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = bytes(range(256)) * 12_345
    sockets = list[socket.socket]()

    class Watched(direct.DirectBody):
        def __init__(self, chunks: Iterator[bytes], connection: socket.socket, length: int) -> None:
            sockets.append(connection)
            super().__init__(chunks, connection, length)

    monkeypatch.setattr(direct, "DirectBody", Watched)
    with Sandbox(tls=True) as sandbox:
        with sandbox.client() as client:
            assert client.base_url.startswith("https://")
            sandbox.faults.add("GET /moises-sandbox/*", truncate=1_000_000, nth=1)
            client.files.download(client.files.upload(large).url, tmp_path / "x")
        with MusicAiClient(sandbox.api_key, base_url=sandbox.base_url, max_retries=0) as stranger:
            with pytest.raises(ConnectionFailedError) as told:
                stranger.application.get()
        assert "certificate" in str(told.value).lower()
        assert not told.value.sent

        async def main() -> None:
            async with sandbox.async_client() as client:
                await client.files.download((await client.files.upload(large)).url, tmp_path / "y")

        asyncio.run(main())
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes() == large
    assert [type(each) for each in sockets] == [ssl.SSLSocket] * 3, "the rest was read directly too"


@pytest.mark.parametrize("kind", [MusicAiClient, AsyncMusicAiClient])
def test_clients_pickle_without_their_key(kind: type[MusicAiClient], monkeypatch: pytest.MonkeyPatch) -> None:
    client = kind("secret-key", 1.5, False, "mine/1", 7.0, base_url="https://host/v1", max_retries=5)
    pickled = pickle.dumps(client)
    assert b"secret-key" not in pickled
    monkeypatch.setenv("MUSIC_AI_API_KEY", "key-of-another-account")
    with pytest.raises(
        ConfigurationError, match="another key than this process has, in MUSIC_AI_API_KEY"
    ) as caught:
        pickle.loads(pickled)
    assert "key-of" not in str(caught.value)
    monkeypatch.setenv("MUSIC_AI_API_KEY", "secret-key")
    other = pickle.loads(pickled)
    assert type(other) is kind
    assert other._session.settings.arguments() == client._session.settings.arguments()
    assert other.api_key == "secret-key"
    with httpx.Client() as http, pytest.raises(ConfigurationError, match="pickled"):
        pickle.dumps(MusicAiClient("secret-key", http_client=http))


def test_closing_during_calls(sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /application", delay=0.5)
    with ThreadPoolExecutor(4) as pool:
        client = sandbox.client(max_retries=0)
        calls = [pool.submit(client.application.get) for _ in range(4)]
        time.sleep(0.2)
        client.close()
        ends = [call.exception() for call in calls]
    assert all(end is None or isinstance(end, MusicAiError) for end in ends)
    while len(sandbox.requests) < 4:
        time.sleep(0.02)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_connection_that_is_made_while_the_client_closes(colour: str) -> None:
    """The connection still carries its request, and is closed after the answer."""
    authority = trustme.CA()
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    trusted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.tempfile() as path:
        trusted.load_cert_chain(path)

    def begin(listener: socket.socket) -> socket.socket:
        """Waits until the client waits for the server's part of the handshake."""
        connection, _ = listener.accept()
        connection.settimeout(30)
        assert connection.recv(1, socket.MSG_PEEK)
        return connection

    def go_on(connection: socket.socket) -> bytes:
        """Answers one request. Returns the data that follow."""
        with trusted.wrap_socket(connection, server_side=True) as server:
            server.recv(65536)
            body = b'{"id": "a", "name": "Default Application"}'
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return server.recv(1)

    async def asynchronous(listener: socket.socket) -> tuple[str | None, bytes]:
        client = AsyncMusicAiClient("key", base_url=url, ssl_context=trusting)
        called = asyncio.create_task(client.application.get())
        connection = await asyncio.to_thread(begin, listener)
        await client.close()
        then = await asyncio.to_thread(go_on, connection)
        return (await called).name, then

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        if colour == "async":
            name, then = asyncio.run(asynchronous(listener))
        else:
            client = MusicAiClient("key", base_url=url, ssl_context=trusting)
            called = pool.submit(client.application.get)
            connection = begin(listener)
            client.close()
            then = go_on(connection)
            name = called.result().name
    assert (name, then) == ("Default Application", b"")


def test_cancellation_at_every_await(sandbox: Sandbox, tmp_path: Path) -> None:
    """The task is cancelled after 1, 2, 3, … passes of the loop. The client still works, and no partial file has a final name."""
    whole = bytes(range(256)) * 4000

    async def work(client: AsyncMusicAiClient, target: Path) -> None:
        uploaded = await client.files.upload(whole)
        job = await client.jobs.run(CustomWorkflow("sdk-test", {"file": uploaded}))
        await client.jobs.download(job, target)
        await client.jobs.delete(job)

    async def main() -> int:
        async with sandbox.async_client(job_monitor_interval=0.05) as client:
            for turns in range(1, 400, 3):
                target = tmp_path / str(turns)
                task = asyncio.create_task(work(client, target))
                for _ in range(turns):
                    await asyncio.sleep(0)
                    if task.done():
                        await task
                        return turns
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                assert all(
                    file.read_bytes() == whole for file in target.glob("file*") if ".part" not in file.suffix
                )
                assert (await client.application.get()).name == "Default Application"
        return 0

    asyncio.run(main())


def test_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", f"{sandbox.base_url}/")
    with MusicAiClient() as client:
        assert client.base_url == sandbox.base_url
        client.application.get()
