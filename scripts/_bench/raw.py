"""The lower limit: the same requests over a socket, without an HTTP library. See `measure` for its arguments."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from measure import JOB, KEY, Task, calls, measure

BLOCK = 1024 * 1024


class Raw:
    """One connection."""

    def __init__(self, task: Task) -> None:
        address = urlsplit(task.origin)
        assert address.hostname is not None
        self._connection = socket.create_connection((address.hostname, address.port or 0))
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.scheme == "https":
            context = ssl.create_default_context()  # SSL_CERT_FILE
            self._connection = context.wrap_socket(self._connection, server_hostname=address.hostname)
        self._host = address.netloc
        self.get()

    def get(self) -> object:
        self._send("GET", f"/v1/job/{JOB}", f"Authorization: {KEY}\r\n")
        length, body = self._head()
        while len(body) < length:
            body += self._connection.recv(65536)
        return body

    def upload(self, path: str) -> object:
        size = Path(path).stat().st_size
        self._send("PUT", "/put", f"Content-Length: {size}\r\n")
        with Path(path).open("rb", buffering=0) as file:
            if isinstance(self._connection, ssl.SSLSocket):
                buffer = memoryview(bytearray(BLOCK))
                while count := file.readinto(buffer):
                    self._connection.sendall(buffer[:count])
            else:
                sent = 0
                while sent < size:
                    sent += os.sendfile(self._connection.fileno(), file.fileno(), sent, size - sent)
        return self._head()

    def download(self, url: str, path: str) -> object:
        self._send("GET", urlsplit(url).path)
        length, start = self._head()
        buffer = memoryview(bytearray(BLOCK))
        with Path(path).open("wb", buffering=0) as file:
            file.write(start)
            left = length - len(start)
            while left:
                count = self._connection.recv_into(buffer[: min(left, BLOCK)])
                assert count
                file.write(buffer[:count])
                left -= count
        return length

    def _send(self, method: str, path: str, headers: str = "") -> None:
        self._connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{headers}\r\n".encode())

    def _head(self) -> tuple[int, bytes]:
        """The length of the body, and the bytes that have already arrived."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return int(length.partition(b":")[2]), body


if __name__ == "__main__":
    cases = calls(Raw)
    del cases["get at once"]  # one connection
    measure(cases)
