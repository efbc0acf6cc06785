"""HTTP/2, which a given client may use: hpack logs every header of a request at DEBUG."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import trustme

from conftest import Connect
from support.colours import Colour, finish
from support.hidden_key import KEY

connection: Any = pytest.importorskip("h2.connection", reason="h2 is not installed")
config: Any = pytest.importorskip("h2.config")
events: Any = pytest.importorskip("h2.events")

SIGNATURE = "5e5e5e5e"
SERVER = "HTTP/2 server"


@contextmanager
def http2_server(certificate: trustme.LeafCert) -> Generator[str]:
    """Answers every request with a signed URL as `Location`. Yields the origin."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with certificate.private_key_and_cert_chain_pem.tempfile() as path:
        context.load_cert_chain(path)
    context.set_alpn_protocols(["h2"])

    def serve(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secured:
            http = connection.H2Connection(config.H2Configuration(client_side=False))
            http.initiate_connection()
            secured.sendall(http.data_to_send())
            while data := secured.recv(65536):
                for event in http.receive_data(data):
                    if isinstance(event, events.RequestReceived):
                        location = ("location", f"https://h.example/x?X-Goog-Signature={SIGNATURE}")
                        http.send_headers(event.stream_id, [(":status", "200"), location])
                        http.send_data(event.stream_id, b'{"id": "a", "name": "n"}', end_stream=True)
                secured.sendall(http.data_to_send())

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = server.accept()
                threading.Thread(target=serve, args=(plain,), name=SERVER, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_neither_the_key_nor_a_signature_is_logged(
    library: Any, connect: Connect, colour: Colour, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    authority = trustme.CA()
    trust = ssl.create_default_context()
    trust.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
    kind = library.Client if colour == "sync" else library.AsyncClient
    http = kind(http2=True, verify=trust)
    with http2_server(authority.issue_cert("127.0.0.1")) as origin:
        client = connect(api_key=KEY, base_url=origin, http_client=http)
        assert client.application.get().name == "n"
        client.files.download(f"{origin}/x.json?X-Goog-Signature={SIGNATURE}", tmp_path / "x.json")
        if colour == "sync":
            http.close()
        else:
            finish(client, http.aclose())
    logged = {ours: list[str]() for ours in (True, False)}
    for record in caplog.records:
        logged[record.threadName != SERVER].append(f"{record.name} {record.getMessage()}")
    theirs = "\n".join(each for each in logged[False] if each.startswith("hpack"))
    assert SIGNATURE in theirs, "without hpack's records this test proves nothing"
    ours = "\n".join(logged[True])
    assert "httpcore" in ours
    assert KEY not in ours
    assert SIGNATURE not in ours
