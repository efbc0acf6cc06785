"""What an answer of the storage brings: from which byte on, in which coding, and whether it is all there.

That a body is whole needs evidence: a length, an end that the protocol or the coding marks, or a digest. That a
connection ended is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

from musicai_sdk._core.checksums import Check, announced
from musicai_sdk._core.codings import CodingError, Decoder, codings, decoder_of
from musicai_sdk._core.resume import Version, is_of, validator
from musicai_sdk._io import ResponseStream
from musicai_sdk._text import without_query
from musicai_sdk.errors import ConnectionFailedError, IntegrityError, RequestTimeoutError, TransferError

STORED_CODING = "x-goog-stored-content-encoding"
"""How Google's storage holds an object. It decodes gzip for who doesn't accept it, and still announces the digests of
what it holds (source: Google's page on transcoding)."""


class Range(NamedTuple):
    """Which bytes of an object an answer holds."""

    first: int
    last: int
    size: int
    """The whole object's size in bytes."""


def content_range(headers: Mapping[str, str]) -> Range | None:
    """What `Content-Range` says; None if there is none, or it can't be read, or it leaves something open."""
    # Longer numbers are no sizes, and Python doesn't convert very long ones.
    number = r"\s*(\d{1,18})\s*"
    found = re.fullmatch(
        rf"\s*bytes\s*[\s=:]{number}-{number}/{number}",
        headers.get("content-range", ""),
        re.ASCII | re.IGNORECASE,
    )
    if found is None:
        return None
    first, last, size = map(int, found.groups())
    return Range(first, last, size) if first <= last < size else None


class Content:
    """The body of an answer, read to its end and then checked."""

    def __init__(
        self, stream: ResponseStream, url: str, offset: int = 0, version: Version | None = None
    ) -> None:
        """Judges an answer by its head.

        Args:
            stream: The answer, with status 200 or 206.
            url: Where it is from.
            offset: From which byte on it was asked for.
            version: What was asked for; None for the whole of whatever there is.

        Raises:
            IntegrityError: it isn't the whole, nor the part that was asked for.
            TransferError: it can't be decoded.
        """
        self._stream = stream
        self._url = without_query(url)
        headers = stream.headers
        coded, stored = codings(headers), codings(headers, STORED_CODING)
        self.offset: int = 0
        """At which byte of the object the body begins: the one that was asked for, or 0."""
        self.size: int | None = None
        """The size in bytes of the whole object, decoded; None when it isn't known before."""
        self._expected = _length(headers)
        self._place(offset, version, coded)
        self.version: Version | None = self._version(stored or coded) if self.offset == 0 else version
        """What the body is of, if that can be resumed."""
        self._decoder = self._decoder_of(coded)
        digests = announced(headers) or (version.digests if version is not None and self.offset else {})
        self._coded = Check({} if stored and not coded else digests)
        # Whoever coded it on the way has left the digest of the decoded bytes.
        self._decoded = Check(digests if coded else {})
        self.received: int = self.offset
        """Bytes of the object so far, decoded."""
        self.damaged: bool = False
        """Whether what came is wrong, and not only incomplete."""
        self._raw = 0
        self._pieces: Iterator[bytes] = iter(())

    @property
    def certain(self) -> bool:
        """Whether it will be known at the end that everything has come."""
        return (
            self._stream.framed
            or self._expected is not None
            or self._decoder is not None
            or self._coded.algorithm != "none"
        )

    def _place(self, offset: int, version: Version | None, coded: list[str]) -> None:
        """Finds out which bytes of the object these are."""
        headers, length = self._stream.headers, self._expected
        if self._stream.status == HTTPStatus.OK and "content-range" not in headers:
            self.size = None if coded else length
            return
        part = content_range(headers)
        if part is None or headers.get("content-type", "").lower().startswith("multipart/byteranges"):
            raise self._misplaced("without a Content-Range that can be read")
        in_part = part.last - part.first + 1
        if length is not None and length != in_part:
            raise self._misplaced("with a Content-Range that doesn't fit its length")
        resumed = self._stream.status == HTTPStatus.PARTIAL_CONTENT and version is not None
        if not resumed and in_part == part.size:
            self.size = None if coded else part.size
        elif (
            resumed
            and version is not None
            and (part.first, part.size) == (offset, version.size)
            and is_of(headers, version)
            and not coded
        ):
            self.offset, self.size = offset, part.size
        else:
            raise self._misplaced("that wasn't asked for")
        self._expected = in_part

    def _misplaced(self, how: str) -> IntegrityError:
        return IntegrityError(
            f"{self._url} was answered {self._stream.status} with a part of the file {how}: where it belongs isn't known",
            url=self._url,
        )

    def _version(self, coded: list[str]) -> Version | None:
        """What a part of this answer could be resumed with; None when the storage doesn't say enough."""
        tag = validator(self._stream.headers)
        if tag is None or not self.size or coded:
            return None
        return Version(tag, self.size, announced(self._stream.headers))

    def _decoder_of(self, coded: list[str]) -> Decoder | None:
        try:
            return decoder_of(coded) if coded else None
        except KeyError as error:
            raise TransferError(
                f"{self._url} was sent with the content coding {error.args[0]!r}, although none was asked for: it can't"
                f" be decoded. Have it stored, or served, without",
                url=self._url,
            ) from None

    def count_in(self, data: bytes) -> None:
        """Counts bytes from before `offset` into the digest."""
        self._coded.update(data)

    async def read(self) -> bytes | memoryview:
        """The next bytes, decoded, to be used before the next call; empty at the end.

        Raises:
            IntegrityError: the connection broke, or more or something else comes than was announced.
            RequestTimeoutError: nothing comes.
        """
        while True:
            data: bytes | memoryview = self._next_piece()
            if not data:
                raw = await self._next()
                if not raw:
                    return b""
                self._raw += len(raw)
                if self._expected is not None and self._raw > self._expected:
                    raise self._failed(f"has more than the {self._expected} bytes that were announced")
                self._coded.update(raw)
                if self._decoder is not None:
                    self._pieces = self._decoder.feed(raw)
                    continue
                data = raw
            self._decoded.update(data)
            self.received += len(data)
            return data

    def _next_piece(self) -> bytes:
        try:
            return next(self._pieces, b"")
        except CodingError as error:
            raise self._failed(f"can't be decoded: {error}") from None

    async def _next(self) -> bytes | memoryview:
        try:
            return await self._stream.read()
        except RequestTimeoutError:
            raise
        except ConnectionFailedError as error:
            raise self._broke_off() from error

    def check(self) -> None:
        """Judges the body at its end.

        Raises:
            IntegrityError: something is missing, or its digest is another one than announced.
        """
        if self._expected is not None and self._raw != self._expected:
            raise self._broke_off()
        if self._decoder is not None and (
            self._raw or not self._stream.framed
        ):  # a coded nothing may be no bytes
            try:
                self._decoder.finish()
            except CodingError as error:
                raise self._failed(f"isn't whole: {error}") from None
        if self.size is not None and self.received < self.size:
            raise self._broke_off()
        if not self._coded.passed() and not (self._decoder is not None and self._decoded.passed()):
            raise self._failed(f"has another {self._coded.algorithm} than announced")

    def _failed(self, how: str) -> IntegrityError:
        self.damaged = True
        return IntegrityError(f"what arrived from {self._url} {how}", url=self._url)

    def _broke_off(self) -> IntegrityError:
        return broke_off(self._url, self.received, self.size)

    def uncertain(self) -> IntegrityError:
        """The error of a body of which nobody can say whether it is whole."""
        return IntegrityError(
            f"{self._url} was sent with neither a length nor a digest, so whether it arrived whole can't be known: the"
            f" server has to send a Content-Length, or chunks",
            url=self._url,
        )


def broke_off(url: str, received: int, size: int | None) -> IntegrityError:
    """The error of a download that isn't whole."""
    expected = "an unknown number of" if size is None else str(size)
    return IntegrityError(f"the download of {url} broke off after {received} of {expected} bytes", url=url)


def _length(headers: Mapping[str, str]) -> int | None:
    """How many bytes the body has, as it is coded."""
    length = headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
