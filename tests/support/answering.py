"""An HTTP server whose answers the test writes byte by byte, including invalid ones."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes = field(repr=False)


Handler = Callable[[Asked, socket.socket], object]
"""Writes the answer to the socket; returns False to end the connection."""


def head(status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1")


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """An answer with a Content-Length."""
    return head(status, f"Content-Length: {len(body)}", *headers) + body


def chunked(body: bytes, *headers: str) -> bytes:
    """An answer in one chunk, and its end."""
    return (
        head("200 OK", "Transfer-Encoding: chunked", *headers)
        + b"%x\r\n" % len(body)
        + body
        + b"\r\n0\r\n\r\n"
    )


def finished_job(outputs: Mapping[str, str], job_id: str = "j") -> bytes:
    """The answer of the API about a job with these results."""
    return whole(json.dumps({"id": job_id, "status": "SUCCEEDED", "result": dict(outputs)}).encode())


@contextmanager
def answering(handler: Handler, *, most: Callable[[str], int] | None = None) -> Generator[str]:
    """Serves on loopback during a block. Yields the origin.

    `most` gives the most bytes to read of the body of a request, by its method. Little fits into the sockets then.
    """
    connections = set[socket.socket]()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        if most is not None:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connections.add(connection)
                    threading.Thread(target=_serve, args=(connection, handler, most), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _serve(connection: socket.socket, handler: Handler, most: Callable[[str], int] | None) -> None:
    with connection, connection.makefile("rb") as file, contextlib.suppress(OSError):
        while line := file.readline():
            method, path, _ = line.decode().split(" ", 2)
            headers = dict[str, str]()
            while field_line := file.readline().strip():
                name, _, value = field_line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", 0))
            body = file.read(length if most is None else min(length, most(method)))
            if handler(Asked(method, path, headers, body), connection) is False:
                return
