"""The outermost ASGI layer: logs requests, and applies faults and quirks to the connection."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from musicai_sdk.sandbox.faults.options import CLOSING, REPLACEMENTS
from musicai_sdk.sandbox.http.distortion import byte_by_byte, distorted
from musicai_sdk.sandbox.http.errors import error_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from musicai_sdk.sandbox.faults.options import FaultOptions
    from musicai_sdk.sandbox.faults.rules import Fault
    from musicai_sdk.sandbox.http.gateway import Gateway
    from musicai_sdk.sandbox.parts import Parts

OWN: Final = "/__sandbox__/"
"""The prefix of the sandbox's own pages. They aren't part of the service, so faults and the log don't apply to them."""
PREFIXES: Final = ("/v1", "/api")
"""The prefixes of the API; the service answers under both (source: official clients and documentation)."""
JOB_FAULT: Final = "musicai_sdk.sandbox.job_fault"
"""The key in an ASGI scope of the fault for the job to create."""

_CREATING = frozenset({("POST", f"{prefix}/job") for prefix in PREFIXES})
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_NO_HTTP = b"\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n"


@dataclass(frozen=True)
class FaultMiddleware:
    """The outermost ASGI application: logs requests, and applies faults and the quirks of connections.

    ASGI can't break a connection. The middleware reaches it through the server's `send`, which is a bound method of
    uvicorn's request cycle.
    """

    app: ASGIApp
    parts: Parts
    gateway: Gateway
    refuse: Callable[[float], Awaitable[None]]
    """Refuses connections for a time in seconds."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["path"].startswith(OWN) or scope["path"] == "/":
            await self.app(scope, receive, send)
            return
        cycle = getattr(send, "__self__")  # noqa: B009 - no type knows of it
        transport: asyncio.Transport = cycle.transport
        method, path = scope["method"], scope["path"]
        of_api = path.startswith(tuple(f"{prefix}/" for prefix in PREFIXES))
        if of_api and (pause := self.parts.quirks.now.drip):
            send = byte_by_byte(send, pause, cycle)
        epoch = self.parts.request_log.epoch
        logged = False

        def log(status: int | None) -> None:
            nonlocal logged
            if not logged:
                logged = True
                self.parts.request_log.add(scope, status, epoch)

        async def logging_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                log(message["status"])
            await send(message)

        try:
            fault = self.parts.faults.pick(method, path)
            if (fault is None or fault.is_of_job) and (method, path) in _CREATING:
                held_for = self.gateway.holds()
                if held_for is not None:
                    scope[JOB_FAULT] = fault
                    log(None)
                    await self._hold(held_for, scope, receive, transport)
                    return
            if fault is None:
                await self.app(scope, receive, logging_send)
                return
            options = fault.options
            await asyncio.sleep(options.get("delay", 0))
            if epoch != self.parts.request_log.epoch:  # The request arrived before a reset.
                await _reset(transport, receive)
            elif not await self._leave_unanswered(options, scope, receive, transport, log):
                await self._apply(fault, scope, receive, logging_send, transport)
        except asyncio.CancelledError:  # The sandbox is stopping, and this request took too long.
            transport.abort()
            await _disconnected(receive)
        finally:
            log(None)

    async def _hold(
        self, seconds: float, scope: Scope, receive: Receive, transport: asyncio.Transport
    ) -> None:
        """Closes the connection, and delivers the request to the application later."""
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        else:
            return  # The client has disconnected, and the request is incomplete.

        async def again() -> Message:
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        async def deliver() -> None:
            await self.app(scope, again, _discard)

        self.gateway.hold(seconds, deliver)
        transport.close()
        await _disconnected(receive)

    async def _leave_unanswered(
        self,
        options: FaultOptions,
        scope: Scope,
        receive: Receive,
        transport: asyncio.Transport,
        log: Callable[[None], None],
    ) -> bool:
        """Applies a fault that leaves the request unanswered. Returns whether there was such a fault."""
        refused = options.get("refuse")
        if "after" in (options.get("reset"), options.get("hang")):
            await self.app(scope, receive, _discard)
        if refused is not None:
            await self.refuse(refused)
        if refused is not None or "reset" in options:
            log(None)
            await _reset(transport, receive)
        elif "hang" in options:
            log(None)
            await _disconnected(receive)
        elif options.get("garble") == "head":
            await _drain(receive)
            transport.write(_NO_HTTP)
            transport.close()
            await _disconnected(receive)
        else:
            return False
        return True

    async def _apply(
        self, fault: Fault, scope: Scope, receive: Receive, send: Send, transport: asyncio.Transport
    ) -> None:
        options = fault.options
        if fault.is_of_job:
            scope[JOB_FAULT] = fault
        close_early = any(name in options for name in CLOSING)
        if options.get("expire") and not close_early:
            self.parts.signer.expire(scope["path"].removeprefix("/"))
        closed = False

        def close() -> None:
            nonlocal closed
            closed = True
            if options.get("expire"):
                self.parts.signer.expire(scope["path"].removeprefix("/"))
            transport.close()

        send = distorted(fault, send, transport, close)
        if any(name in options for name in REPLACEMENTS):
            # Closing a connection with unread data would reset it, and lose the answer.
            await (self.app(scope, receive, _discard) if "acted" in options else _drain(receive))
            await _answer(options, send)
        else:
            await self.app(scope, receive, send)
        if closed:
            await _disconnected(receive)


async def _discard(_message: Message) -> None:
    """Discards a message."""


async def _disconnected(receive: Receive) -> None:
    """Waits until the server notices the end of the connection. Otherwise it would report a missing answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _drain(receive: Receive) -> None:
    """Reads the rest of a request."""
    while (await receive()).get("more_body", False):
        pass


async def _reset(transport: asyncio.Transport, receive: Receive) -> None:
    """Ends the connection by a TCP reset."""
    connection: socket.socket = transport.get_extra_info("socket")
    with suppress(OSError):  # The client has closed it already.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    await _disconnected(receive)


async def _answer(options: FaultOptions, send: Send) -> None:
    extra = dict[str, str]()
    usual = 200
    if "redirect" in options:
        usual = 302
        extra["location"] = options["redirect"]
    if "retry_after" in options:
        usual = 429
        extra["retry-after"] = str(options["retry_after"])
    if "retry_after_date" in options:
        usual = 429
        # The client's clock is the real one, not the sandbox's.
        moment = datetime.now(UTC) + timedelta(seconds=options["retry_after_date"])
        extra["retry-after"] = format_datetime(moment, usegmt=True)
    status = options.get("status", usual)
    body = options.get("body")
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        content = error_body(status, "A fault of the sandbox.") if body is None else body
        body = json.dumps(content).encode()
    kind = "text/html" if body.lstrip().startswith(b"<") else "application/json"
    fixed = {"content-type": kind, "content-length": str(len(body)), **extra}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in fixed.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
