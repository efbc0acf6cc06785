"""Text that is safe to show."""

from __future__ import annotations


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
