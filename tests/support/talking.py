"""HTTP over a plain socket: every received byte, and how the connection ended."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from itertools import repeat
from typing import Any
from urllib.parse import urlsplit

from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task

BODY: dict[str, Any] = {"name": "n", "workflow": "nothing", "params": {}}
"""A job of the workflow `nothing`."""


def nothing(task: Task) -> dict[str, Output]:
    """A workflow without outputs."""
    return {}


def trust(sandbox: Sandbox) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=sandbox.ca_file) if sandbox.ca_file else True


def talk(sandbox: Sandbox, request: bytes) -> tuple[bytes, BaseException | None]:
    """Sends a raw request. Returns the received bytes, and how the connection ended unless it was closed in order."""
    parts = urlsplit(sandbox.base_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        received = b""
        try:
            if sandbox.ca_file:
                return talk_tls(connection, ssl.create_default_context(cafile=sandbox.ca_file), request)
            connection.sendall(request)
            while chunk := connection.recv(65536):
                received += chunk
        except OSError as error:
            return received, error
    return received, None


def talk_tls(connection: socket.socket, context: ssl.SSLContext, request: bytes) -> tuple[bytes, None]:
    """The same over TLS. Doesn't use `SSLSocket`, which hides how a connection ended."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    steps: list[Callable[[], object]] = [
        tls.do_handshake,
        lambda: tls.write(request),
        *repeat(lambda: tls.read(65536), 999),
    ]
    received = b""
    for step in steps:
        done: object = None
        while done is None:
            try:
                done = step() or b""
            except ssl.SSLWantReadError:
                done = None
                connection.sendall(outgoing.read())
                data = connection.recv(65536)
                incoming.write(data) if data else incoming.write_eof()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return received, None
            connection.sendall(outgoing.read())
        if isinstance(done, bytes):
            received += done
    return received, None


def create_request(sandbox: Sandbox) -> bytes:
    body = json.dumps(BODY)
    return (
        f"POST /v1/job HTTP/1.1\r\nHost: x\r\nAuthorization: {sandbox.api_key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def get_request(sandbox: Sandbox, path: str) -> bytes:
    """A request for a path or a whole URL, with `Connection: close`."""
    if "://" in path:
        parts = urlsplit(path)
        path = f"{parts.path}?{parts.query}"
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {sandbox.api_key}\r\nConnection: close\r\n\r\n"
    ).encode()
