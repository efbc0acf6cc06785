"""What this package replaces in httpcore, below httpx: the network backend, and the assignment of connections.

The backend limits every wait to the time left for the exchange; see `bounds`. httpcore's connection pools take the backend
as an argument, but httpx doesn't pass one, so this module sets the backend afterwards. It doesn't affect other exchanges of
the caller's client.

The assignment chooses the connection of a request. At the beginning and the end of every request, httpcore asks every
connection several times for its state, including its socket: 64 idle connections cost more CPU time than the request. The
assignment of this package's own pools asks one connection in the usual case.
"""

from __future__ import annotations

import inspect
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from types import MethodType
from typing import Any

import httpcore
import httpx
from typing_extensions import override

from musicai_sdk._io import bounds, cancelling
from musicai_sdk._io.sockets import OpenSockets

SLICE = 16 * 1024
"""The bytes to write with one timeout if the socket isn't accessible."""
_SWEEP_EVERY = 1.0
"""Seconds between two searches for connections that were closed or have expired."""
_NAMES = (
    "_assign_requests_to_connections",
    "_close_connections",
    "_connections",
    "_max_connections",
    "_requests",
    "create_connection",
)


def bound_own(transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport, sockets: OpenSockets) -> None:
    """Limits the exchanges of this package's transports, and assigns their connections.

    Blocking transports also record their connections in `sockets`, and in the work that opens them. Asynchronous ones get
    a backend on asyncio.
    """
    pool: Any = getattr(transport, "_pool", None)
    _assign_quickly(pool)
    if isinstance(getattr(pool, "_network_backend", None), httpcore.AsyncNetworkBackend):
        from musicai_sdk._io.loop_network import LoopBackend  # here: it loads asyncio

        pool._network_backend = LoopBackend()  # noqa: SLF001 - see above
    else:
        _bound(transport, sockets)


def bound_client(client: httpx.Client | httpx.AsyncClient) -> None:
    """Limits the exchanges of a client, including those through proxies."""
    whole: Any = client
    for transport in (whole._transport, *whole._mounts.values()):  # noqa: SLF001
        if transport is not None:
            _bound(transport)


def _bound(
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport, sockets: OpenSockets | None = None
) -> None:
    """Limits the exchanges of httpx's own transports. Other transports, such as mocks, have no network."""
    pool: Any = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if isinstance(backend, httpcore.NetworkBackend) and not isinstance(backend, _Backend):
        pool._network_backend = _Backend(backend, sockets)  # noqa: SLF001
    elif isinstance(backend, httpcore.AsyncNetworkBackend) and not isinstance(backend, _AsyncBackend):
        pool._network_backend = _AsyncBackend(backend)  # noqa: SLF001


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend, sockets: OpenSockets | None) -> None:
        self._inner = inner
        self._sockets = sockets

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _connecting(timeout)
        stream = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._sockets)

    @override
    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        timeout = _connecting(timeout)
        return _Stream(self._inner.connect_unix_socket(path, timeout, socket_options), self._sockets)

    @override
    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, sockets: OpenSockets | None) -> None:
        self._inner = inner
        self._sockets = sockets
        connection = inner.get_extra_info("socket")
        if isinstance(connection, socket.socket):
            if sockets is not None:
                sockets.add(connection)
            if (work := cancelling.current()) is not None:
                work.uses(connection)
        # With TLS inside a proxy's TLS, this is the outer socket. Writing directly to it would break the inner TLS.
        nested = isinstance(inner.get_extra_info("ssl_object"), ssl.SSLObject)
        self._socket = connection if isinstance(connection, socket.socket) and not nested else None

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            left = bounds.cut(timeout)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from None
        return self._inner.read(max_bytes, left)

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        rest = memoryview(buffer)
        try:
            while rest:
                left = bounds.cut(timeout)
                if self._socket is None:
                    self._inner.write(bytes(rest[:SLICE]), left)
                    rest = rest[SLICE:]
                else:
                    self._socket.settimeout(left)
                    rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from None
        except OSError as error:
            raise httpcore.WriteError(str(error)) from None
        if (limits := bounds.current.get()) is not None:
            limits.sent()

    @override
    def close(self) -> None:
        self._inner.close()

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = _connecting(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._sockets)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        timeout = _connecting(timeout)
        stream = await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _AsyncStream(stream)

    @override
    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        timeout = _connecting(timeout)
        return _AsyncStream(await self._inner.connect_unix_socket(path, timeout, socket_options))

    @override
    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            left = bounds.cut(timeout)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from None
        return await self._inner.read(max_bytes, left)

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        try:
            left = bounds.cut(timeout)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from None
        await self._inner.write(buffer, left)  # anyio's timeout limits the whole write
        if (limits := bounds.current.get()) is not None:
            limits.sent()

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()

    @override
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        timeout = _connecting(timeout)
        return _AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _connecting(timeout: float | None) -> float | None:
    try:
        return bounds.cut(timeout)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from None


def _assign_quickly(pool: Any) -> None:
    """Replaces the assignment of a pool of httpcore whose connections carry one request at a time (HTTP/1.1).

    A future httpcore may work differently. If so, its pool stays as it is.
    """
    if all(hasattr(pool, name) for name in _NAMES):
        pool._assign_requests_to_connections = MethodType(_Assignment(), pool)  # noqa: SLF001 - see above
        if inspect.iscoroutinefunction(pool._close_connections):  # noqa: SLF001
            pool._close_connections = partial(_close, pool._close_connections)  # noqa: SLF001


async def _close(close: Callable[[list[Any]], Awaitable[None]], closing: list[Any]) -> None:
    """Closes connections, all of them even if this task is cancelled meanwhile: nobody else knows them any more.

    httpcore shields the loop from anyio's cancellation only, and it does so even for an empty list.
    """
    if not closing:
        return
    from asyncio import CancelledError  # here: the synchronous client doesn't need it

    cancelled: CancelledError | None = None
    for connection in closing:
        try:
            await close([connection])
        except CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


class _Assignment:
    """The assignment of one pool, called with the pool's lock held."""

    def __init__(self) -> None:
        self._swept = time.monotonic()

    def __call__(self, pool: Any) -> list[Any]:
        """Assigns waiting requests to connections. Returns connections to close."""
        closing = list[Any]()
        now = time.monotonic()
        if now - self._swept > _SWEEP_EVERY:
            self._swept = now
            _sweep(pool, closing)
        for request in [each for each in pool._requests if each.is_queued()]:  # noqa: SLF001
            connection = _connection(pool, request.request.url.origin, closing)
            if connection is None:
                break  # all connections are in use, so no other request gets one either
            # Nobody waits for a request that has just arrived, and waking its waiters would load anyio's.
            if getattr(getattr(request, "_connection_acquired", None), "_backend", None) == "":
                request.connection = connection
            else:
                request.assign_to_connection(connection)
        return closing


def _connection(pool: Any, origin: Any, closing: list[Any]) -> Any:
    """A connection for a request, existing or new; None if all are in use.

    The most recently used one is taken first, so that the others expire when fewer are needed.
    """
    in_use = _in_use(pool)
    connections = pool._connections  # noqa: SLF001
    for number in range(len(connections) - 1, -1, -1):
        connection = connections[number]
        # One that was just assigned still calls itself available.
        if id(connection) in in_use or not connection.is_available():
            continue
        if connection.can_handle_request(origin):
            del connections[number]
            if connection.has_expired():  # or the server has closed it
                closing.append(connection)
                continue
            connections.append(connection)
            return connection
    if len(connections) >= pool._max_connections:  # noqa: SLF001
        _sweep(pool, closing)
        connections = pool._connections  # noqa: SLF001
    if len(connections) >= pool._max_connections:  # noqa: SLF001
        idle = next((each for each in connections if id(each) not in in_use), None)
        if idle is None:
            return None
        connections.remove(idle)
        closing.append(idle)
    connection = pool.create_connection(origin)
    connections.append(connection)
    return connection


def _in_use(pool: Any) -> set[int]:
    """The connections that requests have, by their `id`."""
    return {id(request.connection) for request in pool._requests}  # noqa: SLF001


def _sweep(pool: Any, closing: list[Any]) -> None:
    """Takes closed and expired connections out of the pool, and those of requests that were cancelled before sending."""
    in_use = _in_use(pool)
    kept = list[Any]()
    for connection in pool._connections:  # noqa: SLF001
        if id(connection) in in_use:
            kept.append(connection)
        elif not connection.is_closed():
            (kept if connection.is_idle() and not connection.has_expired() else closing).append(connection)
    pool._connections = kept  # noqa: SLF001
