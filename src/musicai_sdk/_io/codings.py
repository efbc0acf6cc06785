"""Content codings (`Content-Encoding`): incremental decoders that detect a truncated stream."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from musicai_sdk._io.protocol import LARGEST_ANSWER, Response

if TYPE_CHECKING:
    from zlib import _Decompress  # pyright: ignore[reportPrivateUsage] - how typeshed names what zlib doesn't

PIECE = 1024 * 1024
"""The most bytes that a decoder returns at a time, because a small body may decode to a very large one."""
MOST_CODINGS = 5
"""The most codings of a body. Each may make it a thousand times larger."""
_NONE = frozenset({"", "identity", "none", "binary", "utf-8"})
"""Values that aren't codings. Storages repeat the header of the upload, which may say anything."""


class CodingError(Exception):
    """The bytes don't match the announced coding, or are truncated."""


class Decoder(Protocol):
    """Decodes one coding."""

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        """Decodes the next bytes, in pieces. The caller must consume all of them."""
        ...

    def finish(self) -> None:
        """Ends the stream; raises `CodingError` if it is truncated."""
        ...


def codings(headers: Mapping[str, str], name: str = "content-encoding") -> list[str]:
    """The codings of a body, in the order in which they were applied."""
    names = [coding.strip().lower() for coding in headers.get(name, "").split(",")]
    return [coding.removeprefix("x-") for coding in names if coding not in _NONE]


def decoder_of(names: list[str]) -> Decoder:
    """A decoder for these codings.

    Raises:
        KeyError: a coding isn't supported, or there are too many; the argument names them.
    """
    if len(names) > MOST_CODINGS:
        raise KeyError(", ".join([*names[:MOST_CODINGS], "…"]))
    chain: list[Decoder] = [_DECODERS[name]() for name in reversed(names)]
    return chain[0] if len(chain) == 1 else _Chain(chain)


def supported_decoder(headers: Mapping[str, str]) -> Decoder | None:
    """A decoder for the body of an answer; None if it has no coding, or one that isn't supported."""
    with suppress(KeyError):
        if names := codings(headers):
            return decoder_of(names)
    return None


def decoded(response: Response, most: int = LARGEST_ANSWER) -> Response:
    """An answer with the beginning of its decoded body, as far as that can be decoded."""
    decoder = supported_decoder(response.headers)
    if decoder is None:
        return response
    body = bytearray()
    with suppress(CodingError):
        for piece in decoder.feed(response.body):
            body += piece
            if len(body) >= most:
                break
    return replace(response, body=bytes(body[:most])) if body else response


class _Chain:
    """Several codings. The coding that was applied last is decoded first."""

    def __init__(self, chain: list[Decoder]) -> None:
        self._chain = chain
        self._between = 0
        """The bytes that only passed from one decoder to the next since the last byte of the body."""

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        return self._through(data, 0)

    def _through(self, data: bytes | memoryview, number: int) -> Iterator[bytes]:
        if number == len(self._chain):
            self._between = 0
            yield bytes(data)
            return
        for piece in self._chain[number].feed(data):
            self._between += len(piece)
            if self._between > LARGEST_ANSWER:
                raise CodingError("it decodes to nothing but another coding")
            yield from self._through(piece, number + 1)

    def finish(self) -> None:
        for decoder in self._chain:
            decoder.finish()


class _Gzip:
    """One or more members in sequence, perhaps padded with zeros."""

    def __init__(self) -> None:
        self._member: _Decompress | None = None
        self._members = 0

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        left = bytes(data)
        while left:
            if self._member is None:
                if self._members:
                    left = left.lstrip(b"\0")
                    if not left:
                        return
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self._members += 1
            yield from _pieces(self._member, left)
            left = self._member.unused_data
            if self._member.eof:
                self._member = None

    def finish(self) -> None:
        if self._member is not None or not self._members:
            raise CodingError("the gzip stream is truncated")


class _Deflate:
    """A zlib stream, or the bare deflate stream that some servers send instead."""

    def __init__(self) -> None:
        self._stream: _Decompress | None = None
        self._head = b""

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        data = self._head + data
        if self._stream is None:
            if len(data) < 2:
                self._head = data
                return
            self._head = b""
            is_zlib = data[0] & 15 == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        if self._stream.eof:
            raise CodingError("something follows the deflate stream")
        yield from _pieces(self._stream, data)
        if self._stream.unused_data:
            raise CodingError("something follows the deflate stream")

    def finish(self) -> None:
        if self._stream is None or not self._stream.eof:
            raise CodingError("the deflate stream is truncated")


def _pieces(stream: _Decompress, data: bytes) -> Iterator[bytes]:
    try:
        while True:
            piece = stream.decompress(data, PIECE)
            if piece:
                yield piece
            data = stream.unconsumed_tail
            if stream.eof or (not data and len(piece) < PIECE):
                return
    except zlib.error as error:
        raise CodingError(str(error)) from None


_DECODERS: Mapping[str, type[_Gzip | _Deflate]] = {"gzip": _Gzip, "deflate": _Deflate}
