"""Objects that are stored compressed, served as Google Cloud Storage does."""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import google_crc32c
from starlette.responses import Response
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from musicai_sdk.sandbox.database.records import StoredObject

JSON: Final = "application/json"
"""The content type of the objects that `Quirks.stored_gzip` compresses."""

# By name, because google_crc32c has no types.
_crc32c: Callable[[bytes], int] = getattr(google_crc32c, "value")  # noqa: B009


def compressed_object(stored: StoredObject, file: Path) -> tuple[StoredObject, bytes]:
    """Returns the record and the bytes of an object as if it had been compressed before it was stored."""
    data = gzip.compress(file.read_bytes(), mtime=0)  # The same bytes for every request.
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    crc32c = _crc32c(data).to_bytes(4, "big")
    return replace(
        stored,
        size=len(data),
        md5=base64.b64encode(md5).decode(),
        crc32c=base64.b64encode(crc32c).decode(),
    ), data


def accepts_gzip(request: Request) -> bool:
    """Whether the client accepts gzip."""
    for offer in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = offer.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


class Decompressed(Response):
    """Sends the decompressed bytes of an object, without a length, and always the whole."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        del self.headers["Content-Length"]
        self._data = gzip.decompress(data)
        self.headers["Warning"] = "214 UploadServer gunzipped"

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        body = b"" if scope["method"] == "HEAD" else self._data
        await send({"type": "http.response.body", "body": body})
