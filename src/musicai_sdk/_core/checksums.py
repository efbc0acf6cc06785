"""Checks downloads against the digests that the storage announces."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from typing import Protocol, cast

_CLASSES_WITH_MD5 = (
    *("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "REDUCED_REDUNDANCY"),
    *("GLACIER", "GLACIER_IR", "DEEP_ARCHIVE"),
)
"""S3's storage classes whose ETags of plain uploads are MD5 digests (source: Amazon's API reference)."""

_LOADING = threading.Lock()
"""If an import fails in one thread, another that waits for it gets an empty module."""


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


def announced(headers: Mapping[str, str]) -> dict[str, str]:
    """The digests of the whole object by algorithm, in base64.

    Sources are `x-goog-hash: crc32c=…,md5=…`, `Content-MD5`, S3's `ETag` where it is an MD5, and for SHA-256
    `x-amz-checksum-sha256`, `Repr-Digest` and the older `Digest` (RFC 9530).
    """
    found = dict(re.findall(r"(crc32c|md5)=([\w+/]+={0,2})", headers.get("x-goog-hash", "")))
    md5 = headers.get("content-md5", "").strip()
    # In an answer with a part of an object, Content-MD5 is the digest of that part.
    if md5 and "content-range" not in headers:
        found.setdefault("md5", md5)
    elif (etag := _md5_in_etag(headers)) is not None:
        found.setdefault("md5", etag)
    named = ",".join(headers.get(name, "") for name in ("repr-digest", "digest"))
    sha256 = re.search(r"sha-256=:?([\w+/]{43}=)", named, re.IGNORECASE)
    # A multipart upload has the digest of its parts' digests, with the number of parts behind it.
    amazon = re.fullmatch(r"[\w+/]{43}=", headers.get("x-amz-checksum-sha256", ""))
    if sha256 or amazon:
        found["sha256"] = sha256[1] if sha256 else headers["x-amz-checksum-sha256"]
    return found


def _md5_in_etag(headers: Mapping[str, str]) -> str | None:
    """The MD5 in S3's ETag, if any.

    After multipart uploads, with key encryption and in Express buckets, the ETag isn't an MD5.
    """
    found = re.fullmatch(r'"([0-9a-f]{32})"', headers.get("etag", ""))
    plain = (
        any(name.startswith("x-amz") for name in headers)
        and headers.get("x-amz-server-side-encryption", "AES256") == "AES256"
        and "x-amz-server-side-encryption-customer-algorithm" not in headers
        and headers.get("x-amz-storage-class", "STANDARD") in _CLASSES_WITH_MD5
    )
    return base64.b64encode(bytes.fromhex(found[1])).decode() if found and plain else None


class Check:
    """Compares the transferred bytes with an announced digest: crc32c if it can be computed quickly, else md5 or SHA-256."""

    def __init__(self, expected: Mapping[str, str]) -> None:
        self._expected: str | None = None
        self._hash: _Hash | None = None
        self.algorithm: str = "none"
        for algorithm in ("crc32c", "md5", "sha256"):
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


def _new(algorithm: str) -> _Hash | None:
    if algorithm == "md5":
        return hashlib.md5(usedforsecurity=False)
    if algorithm == "sha256":
        return hashlib.sha256()
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
