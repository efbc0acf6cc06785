"""A server that records the bytes of requests."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

ANSWER = b'{"id": "27803abe", "name": "Default Application"}'


class Listener:
    """Gives every request the same answer, and records it."""

    def __init__(self) -> None:
        self.heads = list[str]()
        self.headers = "X-Twice: a\r\nX-Twice: b\r\nX-Name: caf\u00e9\r\n"
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    self.heads.append(connection.recv(65536).decode())
                    head = f"HTTP/1.1 200 OK\r\n{self.headers}Connection: close\r\n"
                    connection.sendall(f"{head}Content-Length: {len(ANSWER)}\r\n\r\n".encode() + ANSWER)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
