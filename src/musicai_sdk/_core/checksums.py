"""Checks downloads against the digests that the storage announces."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Protocol, cast

_CLASSES_WITH_MD5 = (
    *("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "REDUCED_REDUNDANCY"),
    *("GLACIER", "GLACIER_IR", "DEEP_ARCHIVE"),
)
"""S3's storage classes whose ETags of plain uploads are MD5 digests (source: Amazon's API reference)."""
_OF_S3 = frozenset(
    [
        "x-amz-request-id",
        "x-amz-id-2",
        "x-amz-version-id",
        "x-amz-storage-class",
        "x-amz-server-side-encryption",
    ]
)
"""Headers of S3. Others that begin like them, such as `X-Amz-Cf-Id`, are those of a CDN or a gateway before any server."""
_LENGTHS = {"crc32c": 4, "md5": 16, "sha256": 32, "sha1": 20, "sha512": 64, "crc32": 4}
"""The algorithms, the preferred one first, and the lengths of their digests in bytes."""
_IN_FIELDS = {"md5": "md5", "sha": "sha1"} | {
    f"{prefix}sha-{bits}": f"sha{bits}" for prefix in ("", "id-") for bits in (256, 512)
}
"""The algorithms by their names in `Repr-Digest`, `Content-Digest` and `Digest`."""

_LOADING = threading.Lock()
"""If an import fails in one thread, another that waits for it gets an empty module."""


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


def announced(headers: Mapping[str, str]) -> dict[str, str]:
    """The digests of the whole object by algorithm, in base64. The first of several is taken."""
    found = dict[str, str]()
    for algorithm, text in _named(headers):
        with suppress(ValueError):
            digest = base64.b64decode(text, validate=True)
            if len(digest) == _LENGTHS.get(algorithm):
                found.setdefault(algorithm, base64.b64encode(digest).decode())
    return found


def _named(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What may be digests of the whole object, by algorithm.

    Google's, those of RFC 1864, RFC 3230 and RFC 9530, S3's and Azure's.
    """
    yield from re.findall(r"(crc32c|md5)=([\w+/]+={0,2})", headers.get("x-goog-hash", ""))
    fields = ["repr-digest", "digest"]
    # In an answer with a part of an object, these are digests of that part.
    if "content-range" not in headers:
        yield "md5", headers.get("content-md5", "").strip()
        fields.append("content-digest")
    for field in fields:
        for name, text in re.findall(r"([\w-]+)=:?([\w+/]+={0,2})", headers.get(field, "")):
            yield _IN_FIELDS.get(name.lower(), ""), text
    # After a multipart upload, these may be digests of the parts' digests, with the number of parts behind them.
    for algorithm in ("crc32c", "sha256", "sha1", "crc32"):
        yield algorithm, headers.get(f"x-amz-checksum-{algorithm}", "")
    yield "md5", headers.get("x-ms-blob-content-md5", "").strip()
    yield "md5", _md5_in_etag(headers)


def _md5_in_etag(headers: Mapping[str, str]) -> str:
    """The MD5 in S3's ETag, or nothing.

    After multipart uploads, with key encryption and in Express buckets, the ETag isn't an MD5.
    """
    found = re.fullmatch(r'"([0-9a-f]{32})"', headers.get("etag", ""))
    plain = (
        not _OF_S3.isdisjoint(headers)
        and headers.get("x-amz-server-side-encryption", "AES256") == "AES256"
        and "x-amz-server-side-encryption-customer-algorithm" not in headers
        and headers.get("x-amz-storage-class", "STANDARD") in _CLASSES_WITH_MD5
    )
    return base64.b64encode(bytes.fromhex(found[1])).decode() if found and plain else ""


class Check:
    """Compares the transferred bytes with an announced digest: crc32c if it can be computed quickly, or another one."""

    def __init__(self, expected: Mapping[str, str]) -> None:
        self._expected: str | None = None
        self._hash: _Hash | None = None
        self.algorithm: str = "none"
        for algorithm in _LENGTHS:
            hasher = _new(algorithm) if algorithm in expected else None
            if hasher is not None:
                self.algorithm, self._hash, self._expected = algorithm, hasher, expected[algorithm]
                return

    def update(self, data: bytes | memoryview) -> None:
        """Adds the next bytes to the digest."""
        if self._hash is not None:
            # google_crc32c accepts only bytes; the copy costs little compared with the digest.
            self._hash.update(bytes(data) if self.algorithm == "crc32c" else data)

    def passed(self) -> bool:
        """Whether the bytes have the announced digest; True if none was announced."""
        return self._hash is None or base64.b64encode(self._hash.digest()).decode() == self._expected


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def _new(algorithm: str) -> _Hash | None:
    if algorithm == "crc32":
        return _Crc32()
    if algorithm != "crc32c":
        return hashlib.new(algorithm, usedforsecurity=False)
    checksum = crc32c_class()
    return None if checksum is None else checksum()


def crc32c_class() -> Callable[[], _Hash] | None:
    """The class that computes crc32c, which the extras `sandbox` and `storage` bring; None without them.

    In pure Python, crc32c would be slower than most networks.

    Raises:
        OSError: its library can't be opened at the moment.
    """
    with _LOADING:
        try:
            import google_crc32c
        except ImportError:
            return None
    return cast("Callable[[], _Hash]", google_crc32c.Checksum)
