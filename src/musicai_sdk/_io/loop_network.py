"""The network of the asynchronous client: httpcore's interface directly on asyncio's transports.

httpcore's own backend goes through anyio, whose cancel scopes and typed attributes take a fifth of the CPU time of a
small request. As in `network`, `bounds` limits every wait.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Coroutine, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import httpcore
from typing_extensions import override

from musicai_sdk._io import bounds
from musicai_sdk._io.sockets import is_ready

_NEXT_ADDRESS = 0.25
"""Seconds after which a connection to a host's next address is tried as well."""
_MOST_UNREAD = 256 * 1024
"""Bytes that may wait to be read before the transport stops receiving."""


class LoopBackend(httpcore.AsyncNetworkBackend):
    """Connections on the running event loop."""

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        with _connecting():
            async with asyncio.timeout(bounds.cut(timeout)):
                connection = await _first_connected(await _addresses(host, port), local_address)
                try:
                    for option in socket_options or ():
                        connection.setsockopt(*option)
                except OSError:
                    connection.close()
                    raise
                transport, protocol = await loop.create_connection(_Protocol, sock=connection)
        return LoopStream(transport, protocol)

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


_Address: TypeAlias = tuple[int, Any]
"""The family and the address of a host."""


async def _addresses(host: str, port: int) -> list[_Address]:
    """The addresses of a host."""
    try:
        # An address needs no thread, which can't be started any more while the interpreter ends.
        numeric = socket.AI_NUMERICHOST
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric)
    except (OSError, UnicodeError):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(each[0], each[4]) for each in found]


async def _first_connected(addresses: Sequence[_Address], local_address: str | None) -> socket.socket:
    """Connects to the first address that answers. asyncio's own race leaks sockets when it's cancelled (CPython 3.11)."""
    left, running = list(addresses), set[asyncio.Task[socket.socket]]()
    error: BaseException | None = None
    try:
        while left or running:
            if left:
                running.add(asyncio.create_task(_connected(left.pop(0), local_address)))
            await asyncio.wait(
                running, timeout=_NEXT_ADDRESS if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in [each for each in running if each.done()]:
                running.remove(task)
                error = task.exception()
                if error is None:
                    return task.result()
        raise error or OSError("the host has no address")
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_close_unused)


async def _connected(address: _Address, local_address: str | None) -> socket.socket:
    connection = socket.socket(address[0], socket.SOCK_STREAM)
    try:
        connection.settimeout(0)
        if local_address is not None:
            connection.bind((local_address, 0))
        await asyncio.get_running_loop().sock_connect(connection, address[1])
    except BaseException:
        connection.close()
        raise
    return connection


def _close_unused(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


@contextmanager
def _connecting() -> Generator[None]:
    """Converts the errors of a connection that can't be made."""
    try:
        yield
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from None
    except OSError as error:  # ssl.SSLError is an OSError
        raise httpcore.ConnectError(str(error)) from None


class _Protocol(asyncio.Protocol):
    """Collects what arrives."""

    def __init__(self) -> None:
        self.received = deque[bytes]()
        self.ended: bool = False
        """Whether nothing more will arrive."""
        self.error: Exception | None = None
        """The error by which the connection broke."""
        self.lost: bool = False
        self._unread = 0
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self.full: bool = False
        """Whether the transport still holds more than it should."""
        self._loop = asyncio.get_running_loop()
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.use(transport)

    def use(self, transport: asyncio.BaseTransport) -> None:
        """Continues on another transport, as with TLS."""
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self.received.append(data)
        self._unread += len(data)
        if self._unread > _MOST_UNREAD and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        _wake(self._reader)

    @override
    def eof_received(self) -> None:
        self.ended = True
        _wake(self._reader)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = self.lost = True
        self.error = exc
        _wake(self._reader)
        _wake(self._writer)

    @override
    def pause_writing(self) -> None:
        self.full = True

    @override
    def resume_writing(self) -> None:
        self.full = False
        _wake(self._writer)

    def arrival(self, seconds: float | None) -> Coroutine[Any, Any, None]:
        """Waits for more to read, or the end. Raises `TimeoutError` if the time is up."""
        self._reader = self._loop.create_future()
        return _within(self._reader, seconds)

    def space(self, seconds: float | None) -> Coroutine[Any, Any, None]:
        """Waits until more can be written, or the end. Raises `TimeoutError` if the time is up."""
        self._writer = self._loop.create_future()
        return _within(self._writer, seconds)

    def take(self, most: int) -> bytes:
        """The next bytes; empty at the end."""
        if not self.received:
            return b""
        data = self.received.popleft()
        if len(data) > most:
            self.received.appendleft(data[most:])
            data = data[:most]
        self._unread -= len(data)
        if self._paused and not self._unread and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


async def _within(waiter: asyncio.Future[None], seconds: float | None) -> None:
    """Waits for a future. Cheaper than `asyncio.timeout`, because nothing needs to be cancelled."""
    if seconds is None:
        await waiter
        return
    timer = waiter.get_loop().call_later(seconds, _expire, waiter)
    try:
        await waiter
    finally:
        timer.cancel()


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


class LoopStream(httpcore.AsyncNetworkStream):
    """One connection."""

    def __init__(self, transport: asyncio.Transport, protocol: _Protocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self._descriptor: int = transport.get_extra_info("socket").fileno()

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        protocol = self._protocol
        try:
            left = bounds.cut(timeout)
            if not protocol.received and not protocol.ended:
                await protocol.arrival(left)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from None
        if not protocol.received and protocol.error is not None:
            raise httpcore.ReadError(str(protocol.error))
        return protocol.take(max_bytes)

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        protocol = self._protocol
        try:
            left = bounds.cut(timeout)
            if not protocol.lost:
                self._transport.write(buffer)
            while protocol.full and not protocol.lost:
                await protocol.space(left)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from None
        if protocol.lost:
            bounds.broke()
            raise httpcore.WriteError(str(protocol.error or "the connection is closed"))
        if (limits := bounds.current.get()) is not None:
            limits.sent()

    @override
    async def aclose(self) -> None:
        self._transport.close()
        try:
            await asyncio.sleep(0)
        finally:
            self._transport.abort()  # don't wait for the other side to close TLS

    @override
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            with _connecting():
                async with asyncio.timeout(bounds.cut(timeout)):
                    transport = await asyncio.get_running_loop().start_tls(
                        self._transport, self._protocol, ssl_context, server_hostname=server_hostname
                    )
        except BaseException:
            self._transport.abort()
            raise
        if transport is None:
            raise httpcore.ConnectError("the connection was closed during the TLS handshake")
        self._protocol.use(transport)
        return LoopStream(transport, self._protocol)

    @override
    def get_extra_info(self, info: str) -> Any:
        match info:
            case "is_readable":
                return self._is_readable()
            case "client_addr":
                return self._transport.get_extra_info("sockname")
            case "server_addr":
                return self._transport.get_extra_info("peername")
            case _:
                return self._transport.get_extra_info(info)

    def _is_readable(self) -> bool:
        """Whether something arrived. On an idle connection, that is the end of the connection.

        Asks the socket too, because the loop may have been too busy to read its end.
        """
        protocol = self._protocol
        if protocol.received or protocol.ended or self._transport.is_closing():
            return True
        return is_ready(self._descriptor)
