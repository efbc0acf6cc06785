"""The network backend below httpx, which limits every wait to the time left for the exchange; see `bounds`.

httpcore's connection pools take the backend as an argument, but httpx doesn't pass one, so this module sets the backend
afterwards. It doesn't affect other exchanges of the caller's client.
"""
# ruff: noqa: ASYNC109 - the methods of httpcore's backends

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from functools import partial
from typing import Any

import httpx

from musicai_sdk._io import bounds, cancelling, libraries
from musicai_sdk._io.sockets import OpenSockets, receive, send

SLICE = 16 * 1024
"""The most bytes to write with one timeout if the socket isn't accessible."""


def bound_own(transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport, sockets: OpenSockets) -> None:
    """Limits the exchanges of this package's transports.

    Blocking transports also record their connections in `sockets`, and in the work that opens them. Asynchronous ones get
    a backend on asyncio.
    """
    pool: Any = getattr(transport, "_pool", None)
    found = libraries.core_of(getattr(pool, "_network_backend", None))
    if found is not None and found.asynchronous:
        from musicai_sdk._io.loop_network import LoopBackend  # here: it loads asyncio

        pool._network_backend = LoopBackend()  # noqa: SLF001 - see above
    else:
        _bound(transport, sockets)


def bound_client(client: Any) -> None:
    """Limits the exchanges of a client, including those through proxies."""
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if transport is not None:
            _bound(transport)


def _bound(transport: object, sockets: OpenSockets | None = None) -> None:
    """Limits the exchanges of a library's own transports. Other transports, such as mocks, have no network."""
    pool: Any = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    # The backends below aren't httpcore's, so a backend that is limited already stays as it is.
    if (found := libraries.core_of(backend)) is not None:
        core, asynchronous = found
        limited = _AsyncBackend(backend, core) if asynchronous else _Backend(backend, core, sockets)
        pool._network_backend = limited  # noqa: SLF001


class _Backend:
    def __init__(self, inner: Any, core: Any, sockets: OpenSockets | None) -> None:
        self._inner = inner
        self._core = core
        self._sockets = sockets

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _Stream:
        timeout = _cut(timeout, self._core.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._core, self._sockets)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> _Stream:
        timeout = _cut(timeout, self._core.ConnectTimeout)
        return _Stream(
            self._inner.connect_unix_socket(path, timeout, socket_options), self._core, self._sockets
        )

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream:
    def __init__(self, inner: Any, core: Any, sockets: OpenSockets | None) -> None:
        self._inner = inner
        self._core = core
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
        if self._socket is not None:
            self._socket.settimeout(0)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            left = bounds.cut(timeout)
            if self._socket is not None:
                return receive(self._socket, partial(self._socket.recv, max_bytes), left)
        except TimeoutError as error:
            raise self._core.ReadTimeout(str(error)) from None
        except OSError as error:
            raise self._core.ReadError(str(error)) from None
        received: bytes = self._inner.read(max_bytes, left)
        return received

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
                    rest = rest[send(self._socket, partial(self._socket.send, rest), left) :]
        except TimeoutError as error:
            raise self._core.WriteTimeout(str(error)) from None
        except OSError as error:
            bounds.broke()
            raise self._core.WriteError(str(error)) from None
        except self._core.WriteError:  # of the inner stream
            bounds.broke()
            raise
        if (limits := bounds.current.get()) is not None:
            limits.sent()

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> _Stream:
        timeout = _cut(timeout, self._core.ConnectTimeout)
        return _Stream(
            self._inner.start_tls(ssl_context, server_hostname, timeout), self._core, self._sockets
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _AsyncBackend:
    def __init__(self, inner: Any, core: Any) -> None:
        self._inner = inner
        self._core = core

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _AsyncStream:
        timeout = _cut(timeout, self._core.ConnectTimeout)
        stream = await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _AsyncStream(stream, self._core)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _AsyncStream:
        timeout = _cut(timeout, self._core.ConnectTimeout)
        return _AsyncStream(await self._inner.connect_unix_socket(path, timeout, socket_options), self._core)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _AsyncStream:
    def __init__(self, inner: Any, core: Any) -> None:
        self._inner = inner
        self._core = core

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _cut(timeout, self._core.ReadTimeout)
        received: bytes = await self._inner.read(max_bytes, left)
        return received

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        left = _cut(timeout, self._core.WriteTimeout)
        try:
            await self._inner.write(buffer, left)  # anyio's timeout limits the whole write
        except self._core.WriteError:
            bounds.broke()
            raise
        if (limits := bounds.current.get()) is not None:
            limits.sent()

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> _AsyncStream:
        timeout = _cut(timeout, self._core.ConnectTimeout)
        return _AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, timeout), self._core)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _cut(timeout: float | None, expired: type[Exception]) -> float | None:
    """Limits a timeout to the time left for the exchange. Raises an error of this type if no time is left."""
    try:
        return bounds.cut(timeout)
    except TimeoutError as error:
        raise expired(str(error)) from None
