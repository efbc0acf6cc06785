"""What is in a bucket, and the URLs that say where: `s3://bucket/key`, without any signature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from musicai_sdk.errors import InputError

SCHEMES: tuple[str, ...] = ("s3://", "gs://", "az://")
"""How the URL of a bucket begins: Amazon S3 and what speaks its language, Google Cloud Storage, Azure."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the bucket describes it."""

    name: str
    """Its key, relative to the bucket's prefix: what `Bucket.input` and `Bucket.find` take."""
    url: str
    """Where it is, such as `s3://bucket/prefix/name`: to show, not to fetch."""
    size: int
    """In bytes."""
    etag: str | None
    """What identifies this version of its content; on S3 often the MD5 digest. Without quotes."""
    modified: datetime
    """When it was written."""


def split_url(url: str) -> tuple[str, str]:
    """The bucket's own URL and the path in it: `("s3://bucket", "some/prefix")`.

    Raises:
        InputError: it isn't the URL of a bucket, or has credentials in it.
    """
    scheme, separator, rest = url.partition("://")
    name, _, path = rest.partition("/")
    if f"{scheme}{separator}" not in SCHEMES or not name:
        shown = f"{scheme}{separator}…" if separator else url[:40]
        raise InputError(
            f"not the URL of a bucket: {shown!r}; it is s3://bucket/prefix, gs://bucket/prefix or"
            " az://container/prefix"
        )
    if "@" in name or "?" in name or ":" in name:
        raise InputError(
            "the URL of a bucket has nothing but its name and a prefix: credentials come from the environment"
        )
    return f"{scheme}://{name}", checked_path(path)


def checked_path(path: str) -> str:
    """A path in a bucket, without slashes at its ends.

    Raises:
        InputError: it has parts that no storage keeps apart: empty ones, `.` and `..`, control characters.
    """
    path = path.strip("/")
    if path and (not path.isprintable() or any(part in ("", ".", "..") for part in path.split("/"))):
        raise InputError(
            f"{path!r} can't be a path in a bucket: it has an empty part, `.`, `..` or a control character"
        )
    return path
