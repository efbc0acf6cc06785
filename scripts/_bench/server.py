"""A loopback server that isn't the bottleneck: threads, canned answers, and nothing copied that needn't be.

`python server.py FOLDER` prints its plain and its TLS port. It counts requests: GET /count.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

SIZE = 512 * 1024 * 1024
JOB_SECONDS = 1.0
URL = "https://storage.googleapis.com/moises-bucket/" + "x" * 36 + "?X-Goog-Signature=" + "f" * 512


def job(job_id: str, status: str = "SUCCEEDED", name: str = "song") -> dict[str, object]:
    """A job as the service would send it."""
    return {
        "id": job_id,
        "app": "Default Application",
        "name": name,
        "batchName": None,
        "metadata": {},
        "workflow": "music-ai/stems-vocals-accompaniment",
        "workflowParams": {"inputUrl": URL},
        "status": status,
        "result": {"vocals": URL, "accompaniment": URL} if status == "SUCCEEDED" else None,
        "error": None,
        "createdAt": "2025-01-07T19:21:42.170Z",
        "startedAt": "2025-01-07T19:21:42.307Z",
        "completedAt": "2025-01-07T19:22:00.325Z" if status == "SUCCEEDED" else None,
    }


class Server:
    """The answers, and what is counted."""

    def __init__(self, folder: Path) -> None:
        certificate = folder / "server.pem"
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.zeros = tempfile.TemporaryFile()  # noqa: SIM115 - for as long as the process lives
        self.zeros.truncate(SIZE)
        self.requests = 0
        self.made: dict[str, tuple[float, dict[str, object]]] = {}
        self.lock = threading.Lock()

    def listen(self, scheme: str) -> int:
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        port: int = listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener, scheme, port), daemon=True).start()
        return port

    def _accept(self, listener: socket.socket, scheme: str, port: int) -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            origin = f"{scheme}://127.0.0.1:{port}"
            threading.Thread(target=self._serve, args=(connection, scheme, origin), daemon=True).start()

    def _serve(self, connection: socket.socket, scheme: str, origin: str) -> None:
        try:
            if scheme == "https":
                connection = self.tls.wrap_socket(connection, server_side=True)
            while self._exchange(connection, origin):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def _exchange(self, connection: socket.socket, origin: str) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = connection.recv(65536)
            if not chunk:
                return False
            head += chunk
        head, _, body = head.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = line.split(" ")
        headers = dict(each.lower().split(": ", 1) for each in lines)
        length = int(headers.get("content-length", 0))
        if method == "PUT":
            self._swallow(connection, length - len(body))
            return self._answer(connection, b"", headers)
        while len(body) < length:
            body += connection.recv(65536)
        if path.startswith("/file"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            connection.sendfile(self.zeros, 0, SIZE)
            return True
        return self._answer(connection, json.dumps(self._json(method, path, body, origin)).encode(), headers)

    @staticmethod
    def _swallow(connection: socket.socket, left: int) -> None:
        buffer = memoryview(bytearray(1024 * 1024))
        while left > 0:
            left -= connection.recv_into(buffer) or left

    @staticmethod
    def _answer(connection: socket.socket, body: bytes, headers: dict[str, str]) -> bool:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body
        )
        return headers.get("connection") != "close"

    def _json(self, method: str, path: str, body: bytes, origin: str) -> object:
        if path == "/count":
            counted, self.requests, self.made = self.requests, 0, {}
            return counted
        with self.lock:
            self.requests += 1
        path, _, query = path.partition("?")
        if path == "/v1/upload":
            return {"uploadUrl": f"{origin}/put", "downloadUrl": f"{origin}/file"}
        if path == "/v1/application":
            return {"id": "27803abe-ec15-4f74-9e8a-18a99627e9b0", "name": "Default Application"}
        if path == "/v1/job" and method == "POST":
            asked = json.loads(body)
            job_id = str(uuid.uuid4())
            with self.lock:
                self.made[job_id] = (time.monotonic(), asked)
            return {"id": job_id}
        if path == "/v1/job":
            page = int(dict(pair.split("=") for pair in query.split("&") if pair).get("page", "0"))
            with self.lock:
                ids = list(self.made)[::-1][page * 100 : (page + 1) * 100]
            return [self._state(job_id) for job_id in ids]
        job_id = path.split("/")[3]
        state = self._state(job_id)
        return {"id": job_id, "status": state["status"]} if path.endswith("/status") else state

    def _state(self, job_id: str) -> dict[str, object]:
        began, asked = self.made.get(job_id, (0.0, {}))
        done = time.monotonic() - began >= JOB_SECONDS
        return job(job_id, "SUCCEEDED" if done else "STARTED") | {"metadata": asked.get("metadata") or {}}


if __name__ == "__main__":
    server = Server(Path(sys.argv[1]))
    print(server.listen("http"), server.listen("https"), flush=True)
    sys.stdin.read()
    os._exit(0)
