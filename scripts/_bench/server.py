"""A loopback server that isn't the bottleneck: it has waiting threads and avoids copies.

`python server.py FOLDER` prints its plain and its TLS port, and ends with its standard input. Besides the API it has
GET /file (the folder's `source`; /file/md5 and /file/crc32c announce that digest; /file/paced sends at most 100 MB/s
over each connection), PUT /put, and GET /counted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mmap
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import cast

import google_crc32c
from answers import Api

CONNECTIONS = 100
"""Connections per port; a thread waits for each, so that no request has to start one."""
BLOCK = 1024 * 1024
PACE = 100 * BLOCK
"""Bytes per second of a paced connection."""

# By getattr, because it has no types.
extend_crc32c: Callable[[int, bytes], int] = getattr(google_crc32c, "extend")  # noqa: B009


class Server:
    """The API, the storage, and the counts."""

    def __init__(self, folder: Path) -> None:
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(folder / "server.pem")
        self.source = (folder / "source").open("rb")  # open until the process ends
        self.contents = memoryview(mmap.mmap(self.source.fileno(), 0, access=mmap.ACCESS_READ))
        self.api = Api(time.monotonic)
        self.received = 0
        self.cpu = time.process_time()
        md5 = hashlib.md5(usedforsecurity=False)
        crc32c = 0
        for start in range(0, len(self.contents), BLOCK):
            block = bytes(self.contents[start : start + BLOCK])
            md5.update(block)
            crc32c = extend_crc32c(crc32c, block)
        digests = {"md5": md5.digest(), "crc32c": crc32c.to_bytes(4, "big")}
        self.digests = {name: base64.b64encode(digest).decode() for name, digest in digests.items()}

    def listen(self, scheme: str) -> int:
        """Serves a free port, and returns it."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        port: int = listener.getsockname()[1]
        origin = f"{scheme}://127.0.0.1:{port}"
        for _ in range(CONNECTIONS):
            threading.Thread(target=self._accept, args=(listener, origin), daemon=True).start()
        return port

    def _accept(self, listener: socket.socket, origin: str) -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                if origin.startswith("https"):
                    connection = self.tls.wrap_socket(connection, server_side=True)
                with cast("BufferedReader", connection.makefile("rb", 65536)) as stream:
                    while self._exchange(connection, stream, origin):
                        pass
            except OSError:
                pass  # the client has closed the connection
            finally:
                connection.close()

    def _exchange(self, connection: socket.socket, stream: BufferedReader, origin: str) -> bool:
        """One request and its answer; False if it was the connection's last."""
        first = stream.readline()
        if not first:
            return False
        headers = dict[bytes, bytes]()
        while (line := stream.readline().rstrip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        method, path, _ = first.decode().split(" ")
        if method == "PUT":
            self.received += swallow(stream, headers)
            return answer(connection, b"", headers)
        if path.startswith("/file"):
            return self._file(connection, path.removeprefix("/file").removeprefix("/"), headers)
        if path == "/counted":
            return answer(connection, json.dumps(self._counted()).encode(), headers)
        body = stream.read(int(headers.get(b"content-length", b"0")))
        return answer(connection, self.api.answer(method, path, body, origin), headers)

    def _paced(self, connection: socket.socket, headers: dict[bytes, bytes]) -> bool:
        """The file or a range of it, as from a storage that limits the speed of each connection."""
        size = len(self.contents)
        asked = headers.get(b"range", b"").decode().removeprefix("bytes=").partition("-")
        first, last = int(asked[0] or 0), int(asked[2] or size - 1)
        status, place = "200 OK", ""
        if b"range" in headers:
            status, place = "206 Partial Content", f"Content-Range: bytes {first}-{last}/{size}\r\n"
        head = f'Accept-Ranges: bytes\r\nETag: "1"\r\n{place}Content-Length: {last + 1 - first}'
        connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode())
        began = time.monotonic()
        for start in range(first, last + 1, BLOCK):
            connection.sendall(self.contents[start : min(start + BLOCK, last + 1)])
            time.sleep(max(0.0, began + (start + BLOCK - first) / PACE - time.monotonic()))
        return stays(headers)

    def _file(self, connection: socket.socket, digest: str, headers: dict[bytes, bytes]) -> bool:
        if digest == "paced":
            return self._paced(connection, headers)
        announced = f"x-goog-hash: {digest}={self.digests[digest]}\r\n" if digest else ""
        size = len(self.contents)
        connection.sendall(f"HTTP/1.1 200 OK\r\n{announced}Content-Length: {size}\r\n\r\n".encode())
        if isinstance(connection, ssl.SSLSocket):  # whose `sendfile` sends 8 kB at a time
            for start in range(0, size, BLOCK):
                connection.sendall(self.contents[start : start + BLOCK])
        else:
            sent = 0
            while sent < size:
                sent += os.sendfile(connection.fileno(), self.source.fileno(), sent, size - sent)
        return stays(headers)

    def _counted(self) -> dict[str, float]:
        """The counts since the last call."""
        before, self.cpu = self.cpu, time.process_time()
        received, self.received = self.received, 0
        return {"requests": self.api.reset(), "received": received, "cpu": self.cpu - before}


def answer(connection: socket.socket, body: bytes, headers: dict[bytes, bytes]) -> bool:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)
    return stays(headers)


def stays(headers: dict[bytes, bytes]) -> bool:
    """Whether the client wants to keep the connection."""
    return headers.get(b"connection", b"").lower() != b"close"


def swallow(stream: BufferedReader, headers: dict[bytes, bytes]) -> int:
    """Reads a body, of known length or chunked, and returns its length."""
    buffer = memoryview(bytearray(BLOCK))
    if headers.get(b"transfer-encoding") != b"chunked":
        return read(stream, buffer, int(headers.get(b"content-length", b"0")))
    total = 0
    while size := int(stream.readline(), 16):
        total += read(stream, buffer, size)
        stream.readline()
    stream.readline()
    return total


def read(stream: BufferedReader, buffer: memoryview, size: int) -> int:
    left = size
    while left:
        count = stream.readinto1(buffer[: min(left, BLOCK)])
        if not count:
            raise ConnectionError("the body is incomplete")
        left -= count
    return size


if __name__ == "__main__":
    server = Server(Path(sys.argv[1]))
    print(server.listen("http"), server.listen("https"), flush=True)
    sys.stdin.read()
    os._exit(0)
