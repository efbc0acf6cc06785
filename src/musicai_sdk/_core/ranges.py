"""One download over several connections, for servers that limit the speed of each connection.

The parts of an object are requested as ranges, a few at a time. The caller reads them in order, like the body of a
single answer, so a parallel download keeps the guarantees of an ordinary one: the partial file is always the beginning
of the object, and the length and the digest of the whole object are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

from musicai_sdk._core.content import Content, Range, broke_off
from musicai_sdk._core.object_version import Version
from musicai_sdk._io import IO, ResponseStream
from musicai_sdk.errors import InputError, MusicAiError

PART = 8 * 1024 * 1024
"""The bytes that each connection fetches into memory at a time."""
_MAX_CONNECTIONS = 16
"""The most connections for one download."""

Reopen: TypeAlias = Callable[[Mapping[str, str]], Coroutine[Any, Any, ResponseStream]]
"""Requests the object again, with additional headers."""


def check_connections(count: object) -> None:
    """Raises `InputError` unless the value is an allowed number of connections."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MAX_CONNECTIONS:
        raise InputError(
            f"connections must be a whole number from 1 to {_MAX_CONNECTIONS}, not {count!r:.100}"
        )


class _Fetched(NamedTuple):
    """A part of the object, as far as it arrived."""

    data: bytearray
    error: MusicAiError | None = None
    """Why the rest is missing."""
    refused: bool = False
    """Whether the server answered with something other than this part of this version."""


class ParallelStream:
    """The body of an answer. After `split`, it may be fetched over several connections."""

    def __init__(self, io: IO, first: ResponseStream, url: str) -> None:
        self.status: int = first.status
        self.headers: Mapping[str, str] = first.headers
        self.framed: bool = first.framed
        self.refused: bool = False
        """Whether the server refused a part. Then a retry should use one connection."""
        self._io = io
        self._first = first
        self._url = url
        self._parts: _Parts | None = None
        self._pieces = list[bytearray]()
        """Fetched parts, the next one last."""
        self._error: MusicAiError | None = None
        """Why nothing follows them."""

    def split(self, content: Content, connections: int, reopen: Reopen) -> None:
        """Fetches the rest of the body over several connections, unless that could mix two versions of the object.

        Args:
            content: The checked head of the answer.
            connections: The number of connections; 1 changes nothing.
            reopen: Requests the object again, with additional headers.
        """
        version, size = content.version, content.size
        has_ranges = (
            self.status == HTTPStatus.PARTIAL_CONTENT
            or self.headers.get("accept-ranges", "").lower() == "bytes"
        )
        if version is None or size is None or self.headers.get("etag") != version.validator or not has_ranges:
            return
        # Only a strong ETag proves that two answers are of the same version.
        if connections > 1 and version.validator.startswith('"') and size - content.offset > PART:
            self._parts = _Parts(reopen, version, connections, content.offset)

    async def read(self) -> bytes | memoryview:
        """The next bytes of the body; empty at its end.

        Raises:
            MusicAiError: the connection broke.
        """
        while True:
            if self._pieces:
                return memoryview(self._pieces.pop())
            if self._error is not None:
                raise self._error
            if self._parts is None:
                return await self._first.read()
            if self._parts.next >= self._parts.version.size:
                return b""
            await self._fetch(self._parts)

    async def close(self) -> None:
        """Ends the exchange."""
        await self._first.close()

    async def _fetch(self, parts: _Parts) -> None:
        """Fetches the next parts, each over its own connection."""
        ranges, begins = parts.take(), parts.begins
        tasks = [partial(self._fetch_part, parts, each) for each in ranges]
        if begins:
            tasks[0] = partial(self._read_first, ranges[0])
        found = await self._io.gather(tasks, len(tasks))
        self.refused = any(each.refused for each in found)
        if begins and any(each.error is not None for each in found[1:]):
            # The first answer contains the whole object: continue with it alone.
            self._parts, found = None, found[:1]
        elif begins:
            await self._first.close()
            found[0] = _cut(found[0], ranges[0], self._url)
        for each in found:
            if each.data:
                self._pieces.append(each.data)
            if each.error is not None:
                self._error = each.error
                break
        self._pieces.reverse()

    async def _read_first(self, wanted: Range) -> _Fetched:
        """Reads a part from the first answer, which may contain more than this part."""
        data = bytearray()
        try:
            while len(data) < wanted.length and (chunk := await self._first.read()):
                data += chunk
        except MusicAiError as error:
            return _Fetched(data, error)
        return _Fetched(data)

    async def _fetch_part(self, parts: _Parts, wanted: Range) -> _Fetched:
        """Fetches a part over its own connection."""
        asked = {"Range": f"bytes={wanted.first}-{wanted.last}", "If-Range": parts.version.validator}
        try:
            stream = await parts.reopen(asked)
            try:
                return await self._read_part(stream, wanted, parts.version)
            finally:
                await stream.close()
        except MusicAiError as error:
            return _Fetched(bytearray(), error)

    async def _read_part(self, stream: ResponseStream, wanted: Range, version: Version) -> _Fetched:
        """Reads an answer that must contain exactly this part of exactly this version."""
        data = bytearray()
        if stream.status != HTTPStatus.PARTIAL_CONTENT:
            return _Fetched(data, broke_off(self._url, wanted.first, wanted.size), refused=True)
        try:
            content = Content(stream, self._url, wanted.first, version, wanted.last)
        except MusicAiError as error:
            return _Fetched(data, error, refused=True)
        try:
            while chunk := await content.read():
                data += chunk
            content.check()
        except MusicAiError as error:
            return _Fetched(bytearray() if content.damaged else data, error, refused=content.damaged)
        return _Fetched(data)


@dataclass
class _Parts:
    """What is left to fetch of an object."""

    reopen: Reopen
    version: Version
    connections: int
    next: int
    """The offset of the first byte that hasn't been requested."""
    begins: bool = False
    """Whether the latest parts are the first ones."""
    _taken: bool = False

    def take(self) -> list[Range]:
        """The next parts, one for each connection."""
        self.begins, self._taken = not self._taken, True
        size = self.version.size
        starts = range(self.next, min(size, self.next + self.connections * PART), PART)
        found = [Range(start, min(start + PART, size) - 1, size) for start in starts]
        self.next = found[-1].last + 1
        return found


def _cut(fetched: _Fetched, wanted: Range, url: str) -> _Fetched:
    """Cuts the beginning of the whole object to the first part, or adds an error if it is too short."""
    data, length = fetched.data, wanted.length
    if fetched.error is None and len(data) < length:
        return _Fetched(data, broke_off(url, wanted.first + len(data), wanted.size))
    del data[length:]
    return fetched
