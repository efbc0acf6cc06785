"""The connections of one client: httpx transports, each created when a request first needs it."""

from __future__ import annotations

import errno
import os
import ssl
import warnings
import weakref
from collections.abc import Callable
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import httpx

from musicai_sdk._io.gate import Gate, Lane
from musicai_sdk._io.protocol import Request
from musicai_sdk._io.proxies import UNUSABLE, proxy_for, unusable
from musicai_sdk._io.sockets import OpenSockets
from musicai_sdk._io.tls import default_tls
from musicai_sdk.errors import ConnectionFailedError

C = TypeVar("C", httpx.HTTPTransport, httpx.AsyncHTTPTransport)
L = TypeVar("L", bound=Lane)

MAX_CONNECTIONS = 64
"""The size of each connection pool. Of the API's pool, the gate lets a client use half."""


class Route(NamedTuple):
    """The properties of requests that can share connections."""

    channel: Literal["api", "storage"]
    scheme: str
    proxy: str | None
    """The URL of the proxy on the way."""


class Pool(Generic[C, L]):
    """The transports of a client in one process. Threads can share it without a lock."""

    def __init__(self, kind: Callable[..., C], tls: ssl.SSLContext | None, lane: Callable[[int], L]) -> None:
        self.transports: dict[Route, C] = {}
        self.sockets: OpenSockets = OpenSockets()
        """The sockets of blocking transports."""
        self.pid: int = os.getpid()
        self.gate: Gate[L] = Gate(lane)
        self._lane = lane
        self._kind: Callable[..., C] = kind
        self._tls = tls
        self._routes: dict[tuple[str, str], Route] = {}
        """The routes by channel and origin. Reading the environment for each request would cost as much as sending
        it."""

    def transport(self, request: Request) -> tuple[C, str | None]:
        """The transport for a request, and the URL of the proxy on its way.

        The route is that of the environment at the client's first use of it.

        Raises:
            ConfigurationError: the environment names an unusable proxy or unusable certificates.
            ConnectionFailedError: this process can't open the modules for connections now: it has too many open files.
        """
        origin = "/".join(request.url.split("/", 3)[:3])
        route = self._routes.get((request.channel, origin))
        if route is None:
            route = Route(request.channel, origin.partition(":")[0].lower(), proxy_for(request.url))
            self._routes[request.channel, origin] = route
        return self.transports.get(route) or self._opened(route), route.proxy

    def _opened(self, route: Route) -> C:
        try:
            made = self._made(route)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            text = f"can't connect: {os.strerror(error.errno)}"
            raise ConnectionFailedError(text, sent=False, channel=route.channel) from error
        # Another thread may be faster. The transport that loses has no connections yet.
        return self.transports.setdefault(route, made)

    def _made(self, route: Route) -> C:
        # Here, because they load the modules for connections.
        from musicai_sdk._io.connection_assignment import assign_quickly
        from musicai_sdk._io.network import bound_own

        # Plain HTTP gets an empty trust store, which is cheap. If it were ever used for TLS, every connection would
        # fail.
        tls = route.scheme == "https"
        # httpcore compares the second limit with all connections, not only with idle ones. The expiry stays that of httpx,
        # 5 s: the longer a connection is idle, the more likely a server closes it while a POST is on its way.
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
        settings: dict[str, Any] = {
            "verify": (self._tls or default_tls()) if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            "limits": limits,
        }
        try:
            transport: C = self._kind(**settings, proxy=route.proxy)
        except UNUSABLE as error:
            if route.proxy is None:
                raise
            raise unusable(route.scheme, error) from None
        bound_own(transport, self.sockets)
        assign_quickly(transport)
        return transport

    def leave_to_parent(self) -> None:
        """In a forked child, drops all connections, because only the parent may use them. The parent's stay open."""
        self.sockets.close()
        self.sockets = OpenSockets()
        self.gate = Gate(self._lane)  # the parent's threads, which had places, don't exist here
        self.transports = {}
        self.pid = os.getpid()


def warn_when_dropped(client: object, *pools: Pool[Any, Any]) -> None:
    """When a client is garbage-collected without having been closed, closes its connections and warns once."""
    weakref.finalize(client, _dropped, pools)


def _dropped(pools: tuple[Pool[Any, Any], ...]) -> None:
    inherited = [pool for pool in pools if pool.pid != os.getpid()]
    for pool in inherited:
        pool.leave_to_parent()
    left_open = [pool for pool in pools if pool.transports]
    for pool in left_open:
        for transport in pool.transports.values():
            if isinstance(transport, httpx.HTTPTransport):  # their event loop closes the others
                transport.close()
    if left_open:
        text = "a Music.AI client was left open: use it in a `with` block, or close it"
        warnings.warn(text, ResourceWarning, stacklevel=3, source=left_open[0])
