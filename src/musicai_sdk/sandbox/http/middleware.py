"""The connection itself: where the journal is kept, and faults and quirks are shown as a real network would."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from musicai_sdk.sandbox.faults.options import INSTEAD
from musicai_sdk.sandbox.http.distortion import (
    byte_by_byte,
    compressed,
    dripping,
    garbled,
    misdeclared,
    truncated,
    with_headers,
    wrong_checksum,
)
from musicai_sdk.sandbox.http.errors import error_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from musicai_sdk.sandbox.faults.options import FaultOptions
    from musicai_sdk.sandbox.faults.quirks import CurrentQuirks
    from musicai_sdk.sandbox.faults.rules import Fault, Faults
    from musicai_sdk.sandbox.http.gateway import Gateway
    from musicai_sdk.sandbox.http.request_log import RequestLog

OWN: Final = "/__sandbox__/"
"""What the paths of the sandbox's own pages begin with. They are no part of the service: no faults, no journal."""
PREFIXES: Final = ("/v1", "/api")
"""Where the API is served; the service answers under both (source: official clients and documentation)."""
JOB_FAULT: Final = "musicai_sdk.sandbox.job_fault"
"""The key in an ASGI scope under which a fault of the job to be created is handed on."""

_CREATING = frozenset({("POST", f"{prefix}/job") for prefix in PREFIXES})
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_NO_HTTP = b"\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n"


class FaultMiddleware:
    """The outermost ASGI application: keeps the journal, and shows the faults and what is odd about connections.

    It reaches the connection itself through the server's `send`, which is a bound method of uvicorn's
    request cycle: ASGI has no way to break a connection.

    Args:
        app: What answers requests.
        faults: What goes wrong.
        quirks: What is odd.
        gateway: What holds requests.
        journal: What keeps the requests.
        expire: Ends the signed URLs of a path.
        refuse: Refuses connections for so many seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        faults: Faults,
        quirks: CurrentQuirks,
        gateway: Gateway,
        journal: RequestLog,
        expire: Callable[[str], None],
        refuse: Callable[[float], Awaitable[None]],
    ) -> None:
        self._app = app
        self._faults = faults
        self._quirks = quirks
        self._gateway = gateway
        self._journal = journal
        self._expire = expire
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["path"].startswith(OWN) or scope["path"] == "/":
            await self._app(scope, receive, send)
            return
        cycle = getattr(send, "__self__")  # noqa: B009 - no type knows of it
        transport: asyncio.Transport = cycle.transport
        method, path = scope["method"], scope["path"]
        of_api = path.startswith(tuple(f"{prefix}/" for prefix in PREFIXES))
        if of_api and (pause := self._quirks.now.drip):
            send = byte_by_byte(send, pause, cycle)
        epoch = self._journal.epoch
        noted = False

        def note(status: int | None) -> None:
            nonlocal noted
            if not noted:
                noted = True
                self._journal.note(scope, status, epoch)

        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                note(message["status"])
            await send(message)

        try:
            fault = self._faults.pick(method, path)
            if (fault is None or fault.is_of_job) and (method, path) in _CREATING:
                held_for = self._gateway.holds()
                if held_for is not None:
                    scope[JOB_FAULT] = fault
                    note(None)
                    await self._hold(held_for, scope, receive, transport)
                    return
            if fault is None:
                await self._app(scope, receive, noting_send)
                return
            options = fault.options
            await asyncio.sleep(options.get("delay", 0))
            if epoch != self._journal.epoch:  # It was made before a reset, and belongs to nobody now.
                await _reset(transport, receive)
            elif not await self._break(options, scope, receive, transport, note):
                await self._show(fault, scope, receive, noting_send, transport)
        except asyncio.CancelledError:  # The sandbox is being stopped, and this request took too long.
            transport.abort()
            await _gone(receive)
        finally:
            note(None)

    async def _hold(
        self, seconds: float, scope: Scope, receive: Receive, transport: asyncio.Transport
    ) -> None:
        """Ends the connection, and lets the application have the request later."""
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        else:
            return  # The client is gone, and the request isn't whole.

        async def again() -> Message:
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        async def deliver() -> None:
            await self._app(scope, again, _swallow)

        self._gateway.hold(seconds, deliver)
        transport.close()
        await _gone(receive)

    async def _break(
        self,
        options: FaultOptions,
        scope: Scope,
        receive: Receive,
        transport: asyncio.Transport,
        note: Callable[[None], None],
    ) -> bool:
        """Leaves the request without an answer, if that is the fault."""
        refused = options.get("refuse")
        if "after" in (options.get("reset"), options.get("hang")):
            await self._app(scope, receive, _swallow)
        if refused is not None:
            await self._refuse(refused)
        if refused is not None or "reset" in options:
            note(None)
            await _reset(transport, receive)
        elif "hang" in options:
            note(None)
            await _gone(receive)
        elif options.get("garble") == "head":
            await _drain(receive)
            transport.write(_NO_HTTP)
            transport.close()
            await _gone(receive)
        else:
            return False
        return True

    async def _show(
        self, fault: Fault, scope: Scope, receive: Receive, send: Send, transport: asyncio.Transport
    ) -> None:
        options = fault.options
        if fault.is_of_job:
            scope[JOB_FAULT] = fault
        close_early = "truncate" in options or "length" in options
        if options.get("expire") and not close_early:
            self._expire(scope["path"])
        closed = False

        def close() -> None:
            nonlocal closed
            closed = True
            if options.get("expire"):
                self._expire(scope["path"])
            transport.close()

        send = _distorting(fault, send, transport, close)
        if any(name in options for name in INSTEAD):
            # Closing on unread data would turn an answer into a reset.
            await (self._app(scope, receive, _swallow) if "acted" in options else _drain(receive))
            await _answer(options, send)
        else:
            await self._app(scope, receive, send)
        if closed:
            await _gone(receive)


def _distorting(fault: Fault, send: Send, transport: asyncio.Transport, close: Callable[[], None]) -> Send:
    """Returns the `send` for a fault's answer; what is wrapped last is met first."""
    options = fault.options
    if "drip" in options:
        send = dripping(send, options["drip"])
    if "truncate" in options:
        send = truncated(send, options["truncate"], close)
    if "length" in options:
        send = misdeclared(send, options["length"], transport.write, close)
    if options.get("garble") == "body":
        send = garbled(send, fault.random)
    if "compress" in options:
        send = compressed(send, options["compress"])
    if "checksum" in options:
        send = wrong_checksum(send)
    if "headers" in options:
        send = with_headers(send, options["headers"])
    return send


async def _swallow(_message: Message) -> None:
    """Sends nothing."""


async def _gone(receive: Receive) -> None:
    """Waits until the server knows that the connection ended: it would complain of a missing answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _drain(receive: Receive) -> None:
    """Reads a request to its end."""
    while (await receive()).get("more_body", False):
        pass


async def _reset(transport: asyncio.Transport, receive: Receive) -> None:
    """Ends the connection with a TCP reset, rather than an orderly end."""
    connection: socket.socket = transport.get_extra_info("socket")
    with suppress(OSError):  # The client has ended it already.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    await _gone(receive)


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
        # The client's clock is the real one.
        moment = datetime.now(UTC) + timedelta(seconds=options["retry_after_date"])
        extra["retry-after"] = format_datetime(moment, usegmt=True)
    status = options.get("status", usual)
    body = options.get("body")
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        content = error_body(status, "A fault asked for.") if body is None else body
        body = json.dumps(content).encode()
    kind = "text/html" if body.lstrip().startswith(b"<") else "application/json"
    fixed = {"content-type": kind, "content-length": str(len(body)), **extra}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in fixed.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
