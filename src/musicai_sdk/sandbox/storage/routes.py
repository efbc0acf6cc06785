"""Uploads, downloads and ranges over HTTP. Signed URLs authorize requests; no API key is needed."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from dataclasses import dataclass
from email.utils import formatdate
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from typing_extensions import override

from musicai_sdk.sandbox.faults.odd_answers import login_page
from musicai_sdk.sandbox.http.errors import storage_error
from musicai_sdk.sandbox.storage.keys import is_result
from musicai_sdk.sandbox.storage.objects import CHUNK, BlobWriter
from musicai_sdk.sandbox.storage.signer import SignatureRefused
from musicai_sdk.sandbox.storage.transcoding import JSON, Decompressed, accepts_gzip, compressed_object

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from musicai_sdk.sandbox.database.records import StoredObject
    from musicai_sdk.sandbox.parts import Parts

_ALLOWED: Final = ("GET", "HEAD", "PUT")
_logger = logging.getLogger(__name__)
_ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True)
class StorageRoutes:
    """Answers requests to signed URLs."""

    parts: Parts

    async def __call__(self, request: Request) -> Response:
        """Answers one request."""
        key = request.scope["path"].removeprefix("/")
        writable = not is_result(key)
        allowed = _ALLOWED if writable else _ALLOWED[:-1]
        if request.method not in allowed:
            message = "The specified method is not allowed against this resource."
            return storage_error(405, "MethodNotAllowed", message, {"Allow": ", ".join(allowed)})
        quirks = self.parts.quirks.now
        if quirks.strict and self._has_key(request):
            _logger.warning("%s %s was sent with an API key", request.method, request.scope["path"])
            message = (
                "The URL is signed, and the request carries an API key too: never send the key to storage."
            )
            return storage_error(400, "InvalidArgument", message)
        if quirks.web_pages and not writable:
            return login_page()
        try:
            self.parts.signer.check(request.method, key, request.query_params)
        except SignatureRefused as refused:
            return storage_error(refused.status, refused.code, refused.message)
        return await (self._put(request, key) if request.method == "PUT" else self._get(request, key))

    def _has_key(self, request: Request) -> bool:
        sent = [request.scope["query_string"].decode("latin-1"), *request.headers.values()]
        return "authorization" in request.headers or any(
            each.key in text for each in self.parts.database.applications() for text in sent
        )

    async def _put(self, request: Request, key: str) -> Response:
        kind = request.headers.get("content-type", "application/octet-stream")
        with BlobWriter(self.parts.store) as sink:
            # Large chunks are written and hashed in a thread, so that the API answers meanwhile.
            waiting = bytearray()
            try:
                async for chunk in request.stream():
                    waiting += chunk
                    if len(waiting) >= CHUNK:
                        await asyncio.to_thread(sink.write, bytes(waiting))
                        waiting.clear()
            except ClientDisconnect:
                return storage_error(400, "IncompleteBody", "The request body ended too early.")
            sink.write(bytes(waiting))
            if refusal := _digest_refusal(request, sink):
                return refusal
            stored = sink.store(key, kind)
        self.parts.store.put(stored)
        response = Response(status_code=200)
        _describe(response, stored)
        return response

    async def _get(self, request: Request, key: str) -> Response:
        stored = self.parts.store.find(key)
        if stored is None:
            return storage_error(404, "NoSuchKey", "The specified key does not exist.")
        packed: bytes | None = None
        coded = self.parts.quirks.now.stored_gzip and is_result(key) and stored.content_type == JSON
        if coded:
            path = self.parts.store.path(stored.blob)
            in_gzip = await asyncio.to_thread(compressed_object, stored, path)
            stored, packed = in_gzip
            if not accepts_gzip(request):
                return _described(Decompressed(packed), stored, coded=True)
        part = _requested(request, stored)
        if part is not None and not part:
            headers = {"Content-Range": f"bytes */{stored.size}"}
            return storage_error(416, "InvalidRange", "The requested range cannot be satisfied.", headers)
        # Opened before the answer starts: an object that is deleted meanwhile can still be read to its end.
        file = self.parts.store.path(stored.blob).open("rb") if packed is None else BytesIO(packed)
        response = _Slice(file, part or range(stored.size))
        response.headers["Accept-Ranges"] = "bytes"
        if coded:
            response.headers["Content-Encoding"] = "gzip"
        if part is not None:
            response.status_code = 206
            response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{stored.size}"
        return _described(response, stored, coded=coded)


class _Slice(Response):
    """Sends a part of a file in constant memory, and closes the file."""

    def __init__(self, file: BinaryIO, part: range) -> None:
        super().__init__()
        self._file = file
        self._part = part
        self.headers["Content-Length"] = str(len(part))

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file as file:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            left = 0 if scope["method"] == "HEAD" else len(self._part)
            file.seek(self._part.start)
            while left:
                chunk = await asyncio.to_thread(file.read, min(left, CHUNK))
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _digest_refusal(request: Request, sink: BlobWriter) -> Response | None:
    """Returns the refusal of an upload whose bytes differ from the digests that the request declares."""
    declared = [f"md5={value}" for value in request.headers.getlist("content-md5")]
    declared += [part.strip() for line in request.headers.getlist("x-goog-hash") for part in line.split(",")]
    for digest in declared:
        name, _, value = digest.partition("=")
        if name in sink.digests and value != sink.digests[name]:
            message = f"The {name} that you specified did not match what we received: {sink.digests[name]}."
            return storage_error(400, "BadDigest", message)
    return None


def _describe(response: Response, stored: StoredObject) -> None:
    """Adds the headers that describe an object; the hashes are two lines of one header."""
    response.headers["ETag"] = _etag(stored)
    response.headers["Last-Modified"] = formatdate(stored.modified, usegmt=True)
    response.raw_headers.append((b"x-goog-hash", f"crc32c={stored.crc32c}".encode()))
    response.raw_headers.append((b"x-goog-hash", f"md5={stored.md5}".encode()))


def _described(response: Response, stored: StoredObject, *, coded: bool) -> Response:
    """Adds the headers of an object that is sent."""
    response.headers["Content-Type"] = stored.content_type
    if coded:
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["x-goog-stored-content-encoding"] = "gzip"
        response.headers["x-goog-stored-content-length"] = str(stored.size)
    _describe(response, stored)
    return response


def _etag(stored: StoredObject) -> str:
    return f'"{base64.b64decode(stored.md5).hex()}"'


def _requested(request: Request, stored: StoredObject) -> range | None:
    """Returns the requested range: None for the whole object, an empty one if it has no bytes."""
    match = _ONE_RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or not (match[1] or match[2]):
        return None  # No range, several, or an invalid one: the whole object is a valid answer.
    condition = request.headers.get("if-range", _etag(stored))
    if condition not in (_etag(stored), formatdate(stored.modified, usegmt=True)):
        return None
    if not match[1]:
        return range(max(0, stored.size - int(match[2])), stored.size)
    first, last = int(match[1]), int(match[2] or stored.size)
    if match[2] and last < first:
        return None
    return range(min(first, stored.size), min(last + 1, stored.size))
