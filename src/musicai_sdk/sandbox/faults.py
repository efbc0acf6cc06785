"""Faults on request, played on the real connection: delays, errors, resets, answers cut short."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from musicai_sdk.sandbox.answers import error_body

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from musicai_sdk.sandbox.journal import Journal

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_API_PREFIX = re.compile(r"/(?:v1|api)(?=/)")


@dataclass
class Fault:
    """One rule, as given to `Faults.add`."""

    route: str
    nth: int | None
    times: int | None
    status: int | None
    headers: Mapping[str, str]
    body: bytes | None
    reset: Literal["before", "after"] | None
    delay: float
    truncate: int | None
    calls: int = 0
    """How many requests the route has matched."""
    hits: int = 0
    """How many of them got the fault."""
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = re.split(r"(\*|\{[^/{}]*\})", self.route)
        regex = "".join(
            ".*" if part == "*" else "[^/]+" if index % 2 else re.escape(part) for index, part in enumerate(parts)
        )
        self._pattern = re.compile(regex)

    def meets(self, request: str) -> bool:
        """Counts a request, given as method and path, if it is one of the route's; tells whether it gets the fault."""
        if not self._pattern.fullmatch(request):
            return False
        self.calls += 1
        return self.calls >= (self.nth or 1) and (self.times is None or self.hits < self.times)


class Faults:
    """The faults that a sandbox shall show."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        route: str,
        *,
        nth: int | None = None,
        times: int | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | Mapping[str, object] | Sequence[object] | None = None,
        reset: Literal["before", "after"] | None = None,
        delay: float = 0.0,
        truncate: int | None = None,
    ) -> Fault:
        """Makes requests go wrong. Where several faults fit a request, the one added first is shown.

        Args:
            route: Method and path, such as `POST /job` (which is both `/v1/job` and `/api/job`), `GET /job/{id}`
                or `PUT /moises-sandbox/*`. `*` stands for any text, `{name}` for one part of a path.
            nth: The first of the matching requests that gets the fault, counted from 1 and from now on.
            times: How many get it; unless told, one if `nth` is given, else all.
            status: Answers with this status instead of acting; the body is the API's error unless `body` is given.
            headers: Headers of that answer; without `status` and `body`, headers put into the real answer.
            body: Answers with this instead of acting: text and bytes as they are, anything else as JSON.
            reset: `before`: the connection is reset, and the request not acted on; `after`: it is acted on, and then
                the connection is reset without an answer.
            delay: How long to wait before anything else, in seconds of real time.
            truncate: Sends only so many bytes of the answer's body under its full Content-Length, and then closes.

        Returns:
            The fault; `hits` counts how often it was shown.

        Raises:
            ValueError: If the arguments make no sense, alone or together.
        """
        if not re.fullmatch(r"(\*|[A-Z]+) (\*|/.*)", route):
            raise ValueError(f"a route reads like 'POST /job' or '* *'; got {route!r}")
        if (nth is not None and nth < 1) or (times is not None and times < 1):
            raise ValueError("nth and times count from 1")
        if delay < 0 or (truncate is not None and truncate < 0):
            raise ValueError("delay and truncate are not negative")
        if reset and (status is not None or headers or body is not None or truncate is not None):
            raise ValueError("a reset leaves no answer that status, headers, body or truncate could apply to")
        if isinstance(body, str):
            body = body.encode()
        elif body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fault = Fault(
            route=route,
            nth=nth,
            times=1 if times is None and nth is not None else times,
            status=status,
            headers=dict(headers or {}),
            body=body,
            reset=reset,
            delay=delay,
            truncate=truncate,
        )
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Ends all faults."""
        with self._lock:
            self._faults.clear()

    def pick(self, method: str, path: str) -> Fault | None:
        """Counts a request at every fault it fits, and returns the one to show."""
        request = f"{method} {_API_PREFIX.sub('', path, count=1)}"
        with self._lock:
            met = [fault for fault in self._faults if fault.meets(request)]
            if met:
                met[0].hits += 1
            return met[0] if met else None


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
    """Waits until the server has noticed that the connection ended: it would complain of a missing answer else."""
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
