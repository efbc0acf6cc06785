"""A storage with configurable contents and headers, for answers that the sandbox doesn't give."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(64)
PAGE = b"<!DOCTYPE html>\n<html><title>Log in</title></html>\n"


class Storage:
    """A web server on this machine."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.gets = Counter[str]()
        """The number of GET requests by path."""
        self._objects = dict[str, tuple[bytes, str]]()

    def put(self, path: str, body: bytes = WAV, content_type: str = "application/octet-stream") -> str:
        """Stores an object under a path, such as `a/vocals.wav`; returns its URL."""
        self._objects[f"/{path}"] = body, content_type
        return f"{self.origin}/{path}"

    def answer(self, path: str) -> tuple[int, bytes, str]:
        """Status, body and content type."""
        self.gets[path] += 1
        found = self._objects.get(path)
        return (200, *found) if found is not None else (404, b"", "text/plain")


@contextmanager
def storage() -> Generator[Storage]:
    """Runs a storage during the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, content_type = held.answer(self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        held = Storage(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield held
        finally:
            server.shutdown()
            thread.join()
