"""The connection itself: where the journal is kept, and faults are shown as a real network would."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING, Any

from musicai_sdk.sandbox.answers import error_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from musicai_sdk.sandbox.faults import Fault, Faults
    from musicai_sdk.sandbox.journal import Journal

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Wire:
    """The outermost ASGI application: keeps the journal and shows the faults.

    It reaches the connection itself through the server's `send`, which is a bound method of uvicorn's
    request cycle: ASGI has no way to break a connection.
    """

    def __init__(self, app: ASGIApp, faults: Faults, journal: Journal) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        transport: asyncio.Transport = getattr(send, "__self__").transport  # noqa: B009 - no type knows of it
        noted = False

        def note(status: int | None) -> None:
            nonlocal noted
            if not noted:
                noted = True
                self._journal.note(scope, status)

        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                note(message["status"])
            await send(message)

        try:
            fault = self._faults.pick(scope["method"], scope["path"])
            if fault is None:
                await self._app(scope, receive, noting_send)
            else:
                await self._show(fault, scope, receive, noting_send, transport)
                if fault.reset:
                    note(None)
                    await _reset(transport, receive)
        except asyncio.CancelledError:  # The sandbox is being stopped, and this request took too long.
            transport.abort()
            await _gone(receive)
        finally:
            note(None)

    async def _show(
        self, fault: Fault, scope: Scope, receive: Receive, send: Send, transport: asyncio.Transport
    ) -> None:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.reset == "before":
            return
        if fault.reset == "after":
            await self._app(scope, receive, _swallow)
            return
        if fault.truncate is not None:
            send = _truncating(send, fault.truncate, receive, transport)
        if fault.status is not None or fault.body is not None:
            await _answer(fault, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send, fault.headers))


async def _swallow(_message: Message) -> None:
    """Sends nothing."""


async def _gone(receive: Receive) -> None:
    """Waits until the server knows that the connection ended: it would complain of a missing answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(transport: asyncio.Transport, receive: Receive) -> None:
    """Ends the connection with a TCP reset, rather than an orderly end."""
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    await _gone(receive)


async def _answer(fault: Fault, receive: Receive, send: Send) -> None:
    # The request is read to its end first: closing on unread data would turn the answer into a reset.
    while (await receive()).get("more_body", False):
        pass
    status = 200 if fault.status is None else fault.status
    body = fault.body
    if body is None:
        body = json.dumps(error_body(status, "A fault asked for.")).encode()
    kind = b"text/html" if body.lstrip().startswith(b"<") else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    send = _with_headers(send, fault.headers)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Returns a `send` that puts headers into the answer, in place of those of the same names."""
    added = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    names = {name for name, _ in added}

    async def sending(message: Message) -> None:
        if added and message["type"] == "http.response.start":
            kept: list[Any] = [pair for pair in message["headers"] if pair[0].lower() not in names]
            message = {**message, "headers": [*kept, *added]}
        await send(message)

    return sending


def _truncating(send: Send, most: int, receive: Receive, transport: asyncio.Transport) -> Send:
    """Returns a `send` that ends the connection after so many bytes of body."""
    left = most
    ended = False

    async def sending(message: Message) -> None:
        nonlocal left, ended
        if ended:
            return
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            if left >= len(body) and message.get("more_body", False):
                left -= len(body)
            else:
                message = {**message, "body": body[:left], "more_body": True}
                ended = True
        await send(message)
        if ended:
            transport.close()
            await _gone(receive)

    return sending
