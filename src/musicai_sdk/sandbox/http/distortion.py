"""Distorts answers like a bad network or a bad server. Each function wraps an ASGI `send`."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from starlette.types import Message, Send

    from musicai_sdk.sandbox.faults.rules import Fault

_GZIP = 31  # zlib's number for the gzip format
_GARBLE_EVERY = 100
_DRIPS_A_SECOND = 20
_WRONG_HASHES = {
    b"x-goog-hash": {b"crc32c": b"crc32c=AAAAAA==", b"md5": b"md5=AAAAAAAAAAAAAAAAAAAAAA=="},
    b"etag": {b"": b'"00000000000000000000000000000000"'},
}


def distorted(fault: Fault, send: Send, transport: asyncio.Transport, close: Callable[[], None]) -> Send:
    """Returns a `send` that distorts an answer as the fault says.

    The wrapper that is added last is called first. So the distortions of the connection come first below, and those of the
    content after them.
    """
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


def with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Adds headers to the answer. Replaces headers with the same names."""
    added = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    names = {name for name, _ in added}

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept: list[Any] = [pair for pair in message["headers"] if pair[0].lower() not in names]
            message = {**message, "headers": [*kept, *added]}
        await send(message)

    return sending


def wrong_checksum(send: Send) -> Send:
    """Replaces the hashes in the head, so that they no longer match the body."""

    def wrong(name: bytes, value: bytes) -> bytes:
        hashes = _WRONG_HASHES.get(name.lower(), {})
        return next((other for start, other in hashes.items() if value.startswith(start)), value)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, wrong(name, value)) for name, value in message["headers"]]
            message = {**message, "headers": headers}
        await send(message)

    return sending


def compressed(send: Send, encoding: str) -> Send:
    """Compresses the body in chunks, without a declared length."""
    compressor = zlib.compressobj(wbits=_GZIP) if encoding == "gzip" else zlib.compressobj()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
            message = {**message, "headers": [*kept, (b"content-encoding", encoding.encode())]}
        else:
            body = compressor.compress(message.get("body", b""))
            if not message.get("more_body", False):
                body += compressor.flush()
            message = {**message, "body": body}
        await send(message)

    return sending


def garbled(send: Send, random: random.Random) -> Send:
    """Changes about one byte in a hundred. The first changed byte is near the start."""

    async def sending(message: Message) -> None:
        if body := bytearray(message.get("body", b"")):
            at = random.randrange(min(len(body), 8))
            while at < len(body):
                body[at] ^= random.randrange(1, 256)
                at += random.randrange(1, 2 * _GARBLE_EVERY)
            message = {**message, "body": bytes(body)}
        await send(message)

    return sending


def truncated(send: Send, size: int, close: Callable[[], object]) -> Send:
    """Closes the connection after the first `size` bytes of the body, whatever the declared length."""
    left = size
    ended = False

    async def sending(message: Message) -> None:
        nonlocal left, ended
        if ended:
            return
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            ended = not message.get("more_body", False) or left < len(body)
            message = {**message, "body": body[:left], "more_body": True}
            left -= len(message["body"])
        await send(message)
        if ended:
            close()

    return sending


def misdeclared(send: Send, by: int, write: Callable[[bytes], None], close: Callable[[], object]) -> Send:
    """Declares a length that is wrong by `by` bytes. uvicorn refuses surplus bytes, so `write` sends them."""
    left = 0

    async def sending(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            left = max(0, int(headers.get(b"content-length", b"0")) + by)
            await with_headers(send, {"content-length": str(left)})(message)
            return
        body = message.get("body", b"")
        await send({**message, "body": body[:left], "more_body": True})
        if len(body) > left:
            write(body[left:])
        left = max(0, left - len(body))
        if not message.get("more_body", False):
            close()

    return sending


def dripping(send: Send, rate: float) -> Send:
    """Sends the body in small chunks, at `rate` bytes per second."""
    size = max(1, int(rate / _DRIPS_A_SECOND))
    return _in_pieces(send, size, size / rate)


def byte_by_byte(send: Send, pause: float, cycle: Any) -> Send:
    """Sends head and body in single bytes, with a pause after each.

    Args:
        send: The wrapped function.
        pause: The pause, in seconds.
        cycle: uvicorn's request cycle. ASGI sends a head as a whole, so its bytes are taken from the connection.
    """
    body = _in_pieces(send, 1, pause)

    async def sending(message: Message) -> None:
        if message["type"] != "http.response.start":
            await body(message)
            return
        transport, head = cycle.transport, _Buffer()
        cycle.transport = head
        try:
            await send(message)
        finally:
            cycle.transport = transport
        for byte in head.data:
            if transport.is_closing():
                break
            transport.write(bytes([byte]))
            await asyncio.sleep(pause)

    return sending


class _Buffer:
    """Stands in for a connection, and collects the bytes written to it."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data


def _in_pieces(send: Send, size: int, pause: float) -> Send:
    async def sending(message: Message) -> None:
        body = message.get("body", b"")
        for start in range(0, max(len(body) - size, 0), size):
            await send({**message, "body": body[start : start + size], "more_body": True})
            await asyncio.sleep(pause)
        last = len(body) - len(body) % size if len(body) % size else max(len(body) - size, 0)
        await send({**message, "body": body[last:]} if body else message)

    return sending
