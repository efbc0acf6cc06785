"""Runs uvicorn on its own thread."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from typing_extensions import override
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from starlette.types import ASGIApp

_BACKLOG = 2048
_KEEP_ALIVE = 75  # Seconds. With uvicorn's 5, idle connections of clients break while they are used.
_GRACE = 1  # Seconds for requests in progress when the server stops.


def listen(host: str, port: int, previous: int | None) -> socket.socket:
    """Opens the listening socket.

    Args:
        host: The address, IPv4 or IPv6.
        port: The port; 0 for any.
        previous: If `port` is 0, the port to try first, so that URLs from before a restart stay valid.

    Raises:
        OSError: the address is not available.
    """
    if not port and previous:
        with suppress(OSError):  # The port is taken.
            return _listen(host, previous)
    try:
        return _listen(host, port)
    except OSError as error:
        raise OSError(
            error.errno, f"can't serve on port {port} of {host}: {(error.strerror or str(error)).lower()}"
        ) from None
    except (TypeError, UnicodeError):  # The name can't be encoded.
        raise OSError(errno.EINVAL, f"can't serve on port {port} of {host}: not a host name") from None


def _listen(host: str, port: int) -> socket.socket:
    listener = _bind(host, port)
    try:
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Not `socket.create_server`, which leaves the protocol unset: asyncio disables Nagle's algorithm only for sockets
    # that are declared as TCP. With Nagle's algorithm, answers take 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            # Without this option, another program could bind the port too, and get some of the requests.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


class ServerThread:
    """Serves an application on a listening socket until `stop`."""

    def __init__(self, app: ASGIApp, listener: socket.socket, certificate: Path | None) -> None:
        config = Config(
            app,
            http=_Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            log_config=None,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
            backlog=_BACKLOG,
            ssl_certfile=certificate,
        )
        config.load()
        # Set the unwrapped application: at the log levels TRACE and NOTSET, uvicorn wraps it to log every message. Then
        # `FaultMiddleware` couldn't reach the connection, and the log would contain signed URLs.
        config.loaded_app = app
        self._server = _Server(config, listener)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="sandbox-server", daemon=True
        )

    def start(self) -> None:
        """Starts the server. Returns when it accepts requests."""
        self._thread.start()
        self._server.ready.wait()

    def stop(self) -> None:
        """Closes the connections and ends the thread."""
        self._server.should_exit = True
        self._thread.join()

    async def refuse_for(self, seconds: float) -> None:
        """Refuses new connections for some seconds. Call this only in the server's thread."""
        await self._server.refuse()
        asyncio.get_running_loop().call_later(seconds, self._server.admit_soon)

    def refuse(self) -> None:
        """Refuses new connections until `admit`, and closes the idle ones."""
        self._call(self._server.refuse())

    def admit(self) -> None:
        """Accepts connections again."""

        async def admit() -> None:
            self._server.admit_soon()

        self._call(admit())

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._server.loop).result()


class _Connection(H11Protocol):
    """uvicorn's h11 protocol, with which the faults were tested, without an access log.

    The access log would contain signed URLs. uvicorn's own option silences all uvicorn servers of the process.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.access_log = False


class _Server(Server):
    loop: asyncio.AbstractEventLoop

    def __init__(self, config: Config, listener: socket.socket) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._address: tuple[str, int] = listener.getsockname()[:2]
        self._bound: socket.socket | None = None
        """Keeps the port while the server refuses connections: a bound socket that doesn't listen refuses them."""
        self._admitting: asyncio.Future[None] | None = None
        """A future that is done when the server listens again."""

    async def refuse(self) -> None:
        """Stops listening, and closes idle connections."""
        if self._admitting is not None:  # A pending restart of listening can't be cancelled.
            await asyncio.wait({self._admitting})
        if self._bound is None:
            for server in self.servers:
                server.close()
            self.servers = []
            self._bound = _bind(*self._address)
            self._abort(idle_only=True)

    def admit_soon(self) -> None:
        """Starts listening again."""
        bound, self._bound = self._bound, None
        if bound is not None:
            bound.listen(_BACKLOG)  # At once; the loop accepts the connections later.
            self._admitting = asyncio.ensure_future(super().startup([bound]))

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Abort idle connections: a TLS client that isn't reading never completes an orderly shutdown.
        self._abort(idle_only=True)
        if self._bound is not None:
            self._bound.close()
        if self.server_state.tasks:
            _, late = await asyncio.wait(list(self.server_state.tasks), timeout=_GRACE)
            for task in late:
                task.cancel()
        await super().shutdown(sockets)
        self._abort(idle_only=False)

    def _abort(self, *, idle_only: bool) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, H11Protocol):
                cycle: RequestResponseCycle | None = getattr(connection, "cycle")  # noqa: B009 - half typed
                if not idle_only or cycle is None or cycle.response_complete:
                    connection.transport.abort()
