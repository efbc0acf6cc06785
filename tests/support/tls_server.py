"""An HTTPS server with a given certificate. It accepts every request."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme
from typing_extensions import override


class _Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"[]" if self.path.startswith("/job") else b'{"id": "a", "name": "Default Application"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that refuse the certificate."""


@contextmanager
def https_server(certificate: trustme.LeafCert) -> Generator[str]:
    """Runs the server. Yields its URL."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with certificate.private_key_and_cert_chain_pem.tempfile() as path:
        context.load_cert_chain(path)
    with _Server(("127.0.0.1", 0), _Service) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
