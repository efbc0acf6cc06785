"""Objects in a bucket, and their URLs: `s3://bucket/key`, without a signature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from musicai_sdk.errors import InputError

SCHEMES: tuple[str, ...] = ("s3://", "gs://", "az://")
"""The prefixes of bucket URLs: Amazon S3 and compatible services, Google Cloud Storage, Azure."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The description of an object in a bucket."""

    name: str
    """The key, relative to the bucket's prefix: the argument of `Bucket.input` and `Bucket.find`."""
    url: str
    """The address, such as `s3://bucket/prefix/name`, for display."""
    size: int
    """The size in bytes."""
    etag: str | None
    """The identifier of this version of the content, without quotes; on S3 often the MD5 digest."""
    modified: datetime
    """The time of the last write."""


def split_url(url: str) -> tuple[str, str]:
    """Splits a URL into the bucket and the path in it: `("s3://bucket", "some/prefix")`.

    Raises:
        InputError: it isn't the URL of a bucket, or it contains credentials.
    """
    scheme, separator, rest = url.partition("://")
    name, _, path = rest.partition("/")
    if f"{scheme}{separator}" not in SCHEMES or not name:
        shown = f"{scheme}{separator}…" if separator else url[:40]
        raise InputError(
            f"{shown!r} isn't the URL of a bucket: use s3://bucket/prefix, gs://bucket/prefix or"
            " az://container/prefix"
        )
    if "@" in name or "?" in name or ":" in name:
        raise InputError(
            "the URL of a bucket must contain only its name and a prefix: credentials come from the environment"
        )
    return f"{scheme}://{name}", checked_path(path)


def checked_path(path: str) -> str:
    """A path in a bucket, without slashes at the start and end.

    Raises:
        InputError: it contains parts that storages treat differently: empty ones, `.` and `..`, control characters.
    """
    path = path.strip("/")
    if path and (not path.isprintable() or any(part in ("", ".", "..") for part in path.split("/"))):
        raise InputError(
            f"{path!r} can't be a path in a bucket: it contains an empty part, `.`, `..` or a control character"
        )
    return path
