"""Reads large bodies directly from the socket into one buffer. httpx would take 1.7 times the CPU time.

This is only safe with HTTP/1.1, a known length, the identity coding, and a socket that carries nothing else. Otherwise
the ordinary, slower stream is used. Truncation and timeouts raise the same errors in both, and the transfer tests run
with both.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress

import httpx

from musicai_sdk._io import bounds
from musicai_sdk._io.sockets import receive

SMALLEST = 1024 * 1024
"""The smallest body in bytes to read directly. Smaller bodies use the ordinary stream, which can reuse the
connection."""
BUFFER = 512 * 1024


class DirectBody:
    """The body of one answer. Each `read` overwrites the buffer that the previous one returned."""

    def __init__(self, raw: Iterator[bytes], connection: socket.socket, length: int) -> None:
        self._raw = raw  # keep a reference: httpx closes the connection when the iterator is collected
        self._connection = connection
        connection.settimeout(0)  # one that the caller's client opened earlier waits by itself
        self._left = length
        self._begun = False
        self._buffer = memoryview(bytearray(BUFFER))
        self.timeout: float | None = None
        """The longest time without data, in seconds."""

    def read(self) -> bytes | memoryview:
        """The next bytes; empty at the end."""
        if not self._begun:
            # The HTTP parser holds the bytes that arrived with the head, and returns all of them at once.
            self._begun = True
            first = next(self._raw, b"")
            self._left -= len(first)
            return first
        if self._left == 0:
            return b""
        try:
            received = receive(self._connection, self._fill, bounds.cut(self.timeout), at_once=True)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from None
        except OSError as error:
            raise httpx.ReadError(str(error)) from None
        if received == 0:
            raise httpx.RemoteProtocolError(f"closed with {self._left} bytes missing")
        self._left -= received
        return self._buffer[:received]

    def _fill(self) -> int:
        """Reads what has arrived into the buffer. TLS gives it in small pieces, and each would cost a write to the disk."""
        most = min(self._left, BUFFER)
        filled = more = self._connection.recv_into(self._buffer[:most])
        with suppress(OSError):  # nothing more has arrived, or the next read raises the error again
            while more and filled < most and isinstance(self._connection, ssl.SSLSocket):
                more = self._connection.recv_into(self._buffer[filled:most])
                filled += more
        return filled


def direct_body(
    response: httpx.Response, headers: Mapping[str, str], chunks: Iterator[bytes]
) -> DirectBody | None:
    """A direct reader for the body of a new answer, or None where that isn't safe."""
    length = headers.get("content-length", "")
    stream = response.extensions.get("network_stream")
    if not length.isdecimal() or int(length) < SMALLEST or stream is None:
        return None
    if response.http_version != "HTTP/1.1" or headers.get("content-encoding", "identity") != "identity":
        return None
    connection = stream.get_extra_info("socket")
    if not isinstance(connection, socket.socket):
        return None
    # Through a TLS proxy, the socket belongs to the TLS connection to the proxy, and the inner TLS has no socket.
    if isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject):
        return None
    if isinstance(connection, ssl.SSLSocket) != (response.url.scheme == "https"):
        return None
    body = DirectBody(chunks, connection, int(length))
    body.timeout = response.request.extensions.get("timeout", {}).get("read")
    return body
