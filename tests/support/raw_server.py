"""A server that sends any bytes that a test wants, also one by one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass
class Received:
    """A request, and the connection for its answer."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket = field(repr=False)
    over: threading.Event = field(repr=False)
    """Set at the end of the test."""

    def answer(
        self, body: bytes = b"{}", status: str = "200 OK", *headers: str, length: int | None = None
    ) -> None:
        lines = [f"HTTP/1.1 {status}", *headers]
        if length is None and not status.startswith(("204", "1")):
            length = len(body)
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def drip(self, data: bytes, every: float = 0.05) -> None:
        """Sends single bytes until the test ends or the client disconnects."""
        with suppress(OSError):
            for number in range(len(data)):
                self.connection.sendall(data[number : number + 1])
                if self.over.wait(every):
                    return


class RawServer:
    """Calls a function for each request, with a thread for each connection."""

    def __init__(self, handler: Callable[[Received], object]) -> None:
        self.handler = handler
        self.requests = list[Received]()
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                thread = threading.Thread(target=self._serve, args=[connection])
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(0.1)
            buffer = b""
            while not self._over.is_set():
                while b"\r\n\r\n" not in buffer:
                    buffer += self._receive(connection)
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")
                method, path, _ = first.split(" ")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
                }
                size = int(headers.get("content-length", "0"))
                while len(buffer) < size:
                    buffer += self._receive(connection)
                request = Received(method, path, headers, buffer[:size], connection, self._over)
                buffer = buffer[size:]
                self.requests.append(request)
                self.handler(request)

    def _receive(self, connection: socket.socket) -> bytes:
        while not self._over.is_set():
            with suppress(TimeoutError):
                data = connection.recv(65536)
                if not data:
                    raise OSError("closed")
                return data
        raise OSError("over")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()
