"""The assignment of connections to requests in the pools of httpcore, below httpx.

At the beginning and the end of every request, httpcore checks the state of every connection several times, including
its socket. With 64 idle connections, this takes more CPU time than the request itself. The assignment in this module
usually checks one connection, and replaces httpcore's locks where cheaper ones do. Only this package's own pools use it.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from functools import partial
from types import MethodType
from typing import Any

_SWEEP_EVERY = 1.0
"""The shortest time, in seconds, between two searches for closed and expired connections."""
_ATTRIBUTES = (
    "_assign_requests_to_connections",
    "_close_connections",
    "_connections",
    "_max_connections",
    "_requests",
    "create_connection",
)
"""The attributes of httpcore's pools that this module uses or replaces."""


def assign_quickly(transport: object) -> None:
    """Replaces the assignment in the pool of a transport whose connections carry one request at a time (HTTP/1.1).

    Leaves the pool of an unknown version of httpcore unchanged.
    """
    pool: Any = getattr(transport, "_pool", None)
    if all(hasattr(pool, name) for name in _ATTRIBUTES):
        lock: Callable[[], object] | None = None
        if inspect.iscoroutinefunction(pool._close_connections):  # noqa: SLF001
            import asyncio  # here: the synchronous client doesn't need it

            lock = asyncio.Lock
            pool._close_connections = partial(_close, pool._close_connections)  # noqa: SLF001
        pool._assign_requests_to_connections = MethodType(_Assignment(lock), pool)  # noqa: SLF001 - see above


async def _close(close: Callable[[list[Any]], Awaitable[None]], closing: list[Any]) -> None:
    """Closes all these connections, even if this task is cancelled meanwhile: the pool no longer contains them.

    httpcore's own method resists only the cancellation of anyio's scopes, and enters such a scope even for an empty list.
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

    def __init__(self, lock: Callable[[], object] | None) -> None:
        self._swept = time.monotonic()
        self._lock = lock
        """The lock for asynchronous connections."""

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
            if self._lock is not None:
                _replace_locks(connection, self._lock)
            # Nothing waits yet for a request that has just arrived, and setting its event would create one of anyio.
            if getattr(getattr(request, "_connection_acquired", None), "_backend", None) == "":
                request.connection = connection
            else:
                request.assign_to_connection(connection)
        return closing


def _connection(pool: Any, origin: Any, closing: list[Any]) -> Any:
    """A connection for a request, existing or new; None if all are in use.

    Prefers the most recently used connection, so that connections expire when fewer are needed.
    """
    in_use = _in_use(pool)
    connections = pool._connections  # noqa: SLF001
    for number in range(len(connections) - 1, -1, -1):
        connection = connections[number]
        # A connection that was just assigned still reports itself as available.
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


def _replace_locks(connection: Any, lock: Callable[[], object]) -> None:
    """Gives an unused connection locks of asyncio.

    httpcore's are those of anyio, which pause even when they are free, and each pause costs a pass of the event loop.
    """
    attributes: dict[str, Any] = connection.__dict__
    for name in _LOCKS & attributes.keys():
        if type(attributes[name]) is not lock:
            attributes[name] = lock()
    if (inner := attributes.get("_connection")) is not None:
        _replace_locks(inner, lock)


_LOCKS = {"_connect_lock", "_request_lock", "_state_lock"}
"""The locks of httpcore's connections, direct ones and those through proxies."""


def _in_use(pool: Any) -> set[int]:
    """The `id()` of every connection that is assigned to a request."""
    return {id(request.connection) for request in pool._requests}  # noqa: SLF001


def _sweep(pool: Any, closing: list[Any]) -> None:
    """Removes closed and expired connections, and those of requests that were cancelled before they were sent."""
    in_use = _in_use(pool)
    kept = list[Any]()
    for connection in pool._connections:  # noqa: SLF001
        if id(connection) in in_use:
            kept.append(connection)
        elif not connection.is_closed():
            (kept if connection.is_idle() and not connection.has_expired() else closing).append(connection)
    pool._connections = kept  # noqa: SLF001
