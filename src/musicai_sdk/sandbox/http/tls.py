"""The sandbox's own certificate authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trustme

from musicai_sdk.sandbox.private_files import open_private, private_file

if TYPE_CHECKING:
    from pathlib import Path


def make_certificates(folder: Path, host: str) -> tuple[Path, Path]:
    """Issues a certificate for `host` and the loopback names, signed by the authority in `folder` or a new one.

    Returns:
        PEM files: the server's private key and certificate, and the authority's certificate, for clients to trust.
    """
    ca_file, key_file, server_file = folder / "ca.pem", folder / "ca-key.pem", folder / "server.pem"
    if ca_file.exists() and key_file.exists():
        authority = trustme.CA.from_pem(
            private_file(ca_file).read_bytes(), private_file(key_file).read_bytes()
        )
    else:
        authority = trustme.CA(organization_name="Music.AI sandbox")
        _write(ca_file, authority.cert_pem.bytes())
        _write(key_file, authority.private_key_pem.bytes())
    names = dict.fromkeys((host, "localhost", "127.0.0.1", "::1"))
    _write(server_file, authority.issue_cert(*names).private_key_and_cert_chain_pem.bytes())
    return server_file, ca_file


def _write(file: Path, data: bytes) -> None:
    with open_private(file) as target:
        target.write(data)
