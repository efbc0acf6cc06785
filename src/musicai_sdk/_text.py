"""Text that is safe to show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast


def without_query(url: str) -> str:
    """The URL without its query, in which signatures stand: `https://host/path?…`.

    Also without user name and password, and without the fragment.
    """
    url = url.partition("#")[0]
    path, question, _ = url.partition("?")
    scheme, separator, rest = path.partition("://")
    authority, slash, tail = rest.partition("/")
    path = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{tail}" if separator else path
    return f"{path}?…" if question else path


def safe_repr(value: object) -> str:
    """The `repr` of an argument, in which URLs appear without their query."""
    if isinstance(value, str):
        return repr(without_query(value)) if "://" in value else repr(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return "{" + ", ".join(f"{key!r}: {safe_repr(entry)}" for key, entry in entries) + "}"
    return repr(value)
