"""The assignment of connections to requests in the pools of httpcore, below httpx.

At the beginning and the end of every request, httpcore asks every connection several times for its state, including its
socket: 64 idle connections cost more CPU time than the request. This assignment asks one connection in the usual case.
Only this package's own pools get it.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from functools import partial
from types import MethodType
from typing import Any

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


def assign_quickly(transport: object) -> None:
    """Replaces the assignment in the pool of a transport whose connections carry one request at a time (HTTP/1.1).

    A future httpcore may work differently. If so, its pool stays as it is.
    """
    pool: Any = getattr(transport, "_pool", None)
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
