"""The connections of a client's pools: reused, replaced when the server has closed them, never lost."""

from __future__ import annotations

import asyncio
import socket
import threading
from itertools import count

import anyio
import httpx

from conftest import Connect
from musicai_sdk import AsyncMusicAiClient
from musicai_sdk._io.connection_assignment import assign_quickly
from musicai_sdk._io.pool import MAX_CONNECTIONS
from musicai_sdk.sandbox import Sandbox
from support.answering import Asked, answering, whole

ANSWER = whole(b'{"id": "a", "name": "b"}')


def test_consecutive_requests_share_one_connection(connect: Connect) -> None:
    connections = set[socket.socket]()

    def answer(_: Asked, connection: socket.socket) -> None:
        connections.add(connection)
        connection.sendall(ANSWER)

    with answering(answer) as origin:
        client = connect(base_url=f"{origin}/v1")
        for _ in range(20):
            client.application.get()
    assert len(connections) == 1


def test_a_connection_that_the_server_closed_is_not_used_again(connect: Connect) -> None:
    numbers = count(1)
    settled = threading.Semaphore(0)

    def answer(_: Asked, connection: socket.socket) -> bool:
        connection.sendall(ANSWER)
        closes = next(numbers) % 2 == 1
        if closes:
            connection.shutdown(socket.SHUT_RDWR)  # without announcing it
        settled.release()
        return not closes

    with answering(answer) as origin:
        client = connect(base_url=f"{origin}/v1", max_retries=0)
        for _ in range(10):
            client.application.get()
            assert settled.acquire(timeout=20)
    assert next(numbers) == 11


def test_cancelled_requests_leave_no_connection_behind() -> None:
    """Cancelled at every step of connecting and sending, four times as many as there are connections."""

    def answer(_: Asked, connection: socket.socket) -> None:
        connection.sendall(ANSWER)

    async def main(origin: str) -> None:
        async with AsyncMusicAiClient("k", base_url=f"{origin}/v1", max_retries=0) as client:
            for steps in range(4 * MAX_CONNECTIONS):
                task = asyncio.create_task(client.application.get())
                for _ in range(steps % 32):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait({task})
            assert (await client.application.get()).id == "a"

    with answering(answer) as origin:
        asyncio.run(asyncio.wait_for(main(origin), 60))


def test_the_installed_httpcore_has_the_expected_pools() -> None:
    for transport in (httpx.HTTPTransport(), httpx.AsyncHTTPTransport()):
        pool = transport._pool  # pyright: ignore[reportPrivateUsage]
        before = pool._assign_requests_to_connections  # pyright: ignore[reportPrivateUsage]
        assign_quickly(transport)
        assert pool._assign_requests_to_connections != before  # pyright: ignore[reportPrivateUsage]


def test_a_request_in_a_cancelled_scope_of_anyio_ends(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with AsyncMusicAiClient(sandbox.api_key, base_url=sandbox.base_url) as client:
            await client.application.get()
            with anyio.CancelScope() as scope:
                scope.cancel()
                await client.application.get()
            assert scope.cancelled_caught
            assert (await client.application.get()).id

    asyncio.run(asyncio.wait_for(main(), 30))
