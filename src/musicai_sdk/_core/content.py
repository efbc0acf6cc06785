"""The body of a storage's answer: its position in the object, its coding, and its completeness.

A body counts as complete only with evidence: a length, an end mark of the protocol or the coding, or a digest. The end
of the connection is no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

from musicai_sdk._core.checksums import Check, announced
from musicai_sdk._core.object_version import Version, is_of, marks_of, validator
from musicai_sdk._io import ResponseStream
from musicai_sdk._io.codings import CodingError, Decoder, codings, decoder_of
from musicai_sdk._text import without_query
from musicai_sdk.errors import ConnectionFailedError, IntegrityError, RequestTimeoutError, TransferError

STORED_CODING = "x-goog-stored-content-encoding"
"""The coding of an object in Google's storage. For clients that don't accept gzip, the storage decodes the object, but
announces the digests of the coded bytes (source: Google's page on transcoding)."""
STORED_LENGTH = "x-goog-stored-content-length"
"""The bytes that Google's storage has of the object, in the coding in which it is stored (same source)."""


class Range(NamedTuple):
    """The bytes of an object that an answer contains."""

    first: int
    last: int
    size: int
    """The size of the whole object in bytes."""

    @property
    def length(self) -> int:
        """The number of bytes in the range."""
        return self.last - self.first + 1


def content_range(headers: Mapping[str, str]) -> Range | None:
    """The parsed `Content-Range`; None if it is missing, malformed or incomplete."""
    # Longer numbers can't be sizes, and Python refuses to convert very long ones.
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
    """The body of an answer, to be read to its end and then checked."""

    def __init__(
        self,
        stream: ResponseStream,
        url: str,
        offset: int = 0,
        version: Version | None = None,
        last: int | None = None,
    ) -> None:
        """Checks the head of an answer.

        Args:
            stream: The answer, with status 200 or 206.
            url: Its URL.
            offset: The first byte that was requested.
            version: The requested version of the object; None for the whole object in any version.
            last: The last byte that was requested; None for the object's last one. A range that ends earlier has no
                digest of its own.

        Raises:
            IntegrityError: the answer contains neither the whole object nor the requested part.
            TransferError: the answer's coding isn't supported.
        """
        self._stream = stream
        self._url = without_query(url)
        headers = stream.headers
        coded, stored = codings(headers), codings(headers, STORED_CODING)
        self.offset: int = 0
        """The offset in the object at which the body starts: the requested offset, or 0."""
        self.size: int | None = None
        """The decoded size of the whole object in bytes; None if it isn't known yet."""
        self._expected = _length(headers)
        self._end: int | None = None
        self._place(offset, version, coded, last)
        self._check_stored_length(coded, stored)
        self.version: Version | None = self._version(stored or coded) if self.offset == 0 else version
        """The object's version, if the storage identifies it, so that a download can be resumed."""
        self._decoder = self._decoder_of(coded)
        digests = {} if stored and not coded else announced(headers)
        if version is not None and self.offset:
            digests = {**digests, **version.digests}
        self._coded = Check(digests if last is None else {})
        # A proxy that adds a coding keeps the header with the digest of the decoded bytes.
        self._decoded = Check(digests if coded else {})
        self.received: int = self.offset
        """The number of decoded bytes of the object so far."""
        self.damaged: bool = False
        """Whether the data is wrong, instead of only incomplete."""
        self._raw = 0
        self._pieces: Iterator[bytes] = iter(())

    @property
    def certain(self) -> bool:
        """Whether the end of the body will show whether it is complete."""
        return (
            self._stream.framed
            or self._expected is not None
            or self._decoder is not None
            or self._coded.algorithm != "none"
        )

    def _place(self, offset: int, version: Version | None, coded: list[str], last: int | None) -> None:
        """Determines which bytes of the object the body contains."""
        headers, length = self._stream.headers, self._expected
        if self._stream.status == HTTPStatus.OK and "content-range" not in headers:
            self.size = self._end = None if coded else length
            return
        part = content_range(headers)
        if part is None or headers.get("content-type", "").lower().startswith("multipart/byteranges"):
            raise self._misplaced("without a Content-Range that can be read")
        in_part = part.length
        if length is not None and length != in_part:
            raise self._misplaced("with a Content-Range that doesn't fit its length")
        resumed = self._stream.status == HTTPStatus.PARTIAL_CONTENT and version is not None
        if not resumed and in_part == part.size:
            self.size = self._end = None if coded else part.size
        elif (
            resumed
            and version is not None
            and part == Range(offset, part.last if last is None else last, version.size)
            and is_of(headers, version)
            and not coded
        ):
            self.offset, self.size = offset, part.size
            self._end = part.size if last is None else last + 1
        else:
            raise self._misplaced("that wasn't asked for")
        self._expected = in_part

    def _check_stored_length(self, coded: list[str], stored: list[str]) -> None:
        """Compares the announced size with the size in the storage: something between the two may have cut the file."""
        length = _length(self._stream.headers, STORED_LENGTH)
        if length is not None and self.size not in (None, length) and not coded and not stored:
            raise IntegrityError(
                f"{self._url} has {length} bytes in the storage, but {self.size} were announced",
                url=self._url,
            )

    def _misplaced(self, how: str) -> IntegrityError:
        return IntegrityError(
            f"{self._url} was answered {self._stream.status} with a part of the file {how}, so its position isn't known",
            url=self._url,
        )

    def _version(self, coded: list[str]) -> Version | None:
        """The version with which a part of this answer can be resumed; None if the storage doesn't identify it."""
        tag = validator(self._stream.headers)
        if tag is None or not self.size or coded:
            return None
        return Version(tag, self.size, announced(self._stream.headers), marks_of(self._stream.headers))

    def _decoder_of(self, coded: list[str]) -> Decoder | None:
        try:
            return decoder_of(coded) if coded else None
        except KeyError as error:
            raise TransferError(
                f"{self._url} was sent with the content coding {error.args[0]!r}, although none was requested, and it"
                f" can't be decoded: store it, or serve it, without a coding",
                url=self._url,
            ) from None

    def count_in(self, data: bytes) -> None:
        """Adds the bytes before `offset` to the digest."""
        self._coded.update(data)

    async def read(self) -> bytes | memoryview:
        """The next decoded bytes, valid until the next call; empty at the end.

        Raises:
            IntegrityError: the connection broke, or the data doesn't match the headers.
            RequestTimeoutError: no data arrived in time.
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
        """Checks the body at its end.

        Raises:
            IntegrityError: the body is incomplete, or its digest differs from the announced one.
        """
        if self._expected is not None and self._raw != self._expected:
            raise self._broke_off()
        # An empty body may lack even the header of the coding.
        if self._decoder is not None and (self._raw or not self._stream.framed):
            try:
                self._decoder.finish()
            except CodingError as error:
                raise self._failed(f"isn't whole: {error}") from None
        if self._end is not None and self.received < self._end:
            raise self._broke_off()
        if not self._coded.passed() and not (self._decoder is not None and self._decoded.passed()):
            raise self._failed(f"has another {self._coded.algorithm} than announced")

    def _failed(self, how: str) -> IntegrityError:
        self.damaged = True
        return IntegrityError(f"the data from {self._url} {how}", url=self._url)

    def _broke_off(self) -> IntegrityError:
        return broke_off(self._url, self.received, self.size)

    def uncertain(self) -> IntegrityError:
        """The error of a body whose completeness can't be determined."""
        return IntegrityError(
            f"{self._url} was sent without a length or a digest, so it isn't known whether it is complete: the server"
            f" must send a Content-Length, or chunks",
            url=self._url,
        )


def broke_off(url: str, received: int, size: int | None) -> IntegrityError:
    """The error of an incomplete download."""
    expected = "an unknown number of" if size is None else str(size)
    return IntegrityError(f"the download of {url} broke off after {received} of {expected} bytes", url=url)


def _length(headers: Mapping[str, str], name: str = "content-length") -> int | None:
    """A length in bytes: that of the coded body by default."""
    length = headers.get(name, "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
