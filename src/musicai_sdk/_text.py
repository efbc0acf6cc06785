"""URLs without their secrets: as they are safe to show, and as they stay the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

_ADDRESS = re.compile(r"https?://[^\s'\"<>]*[^\s'\"<>.,:;)]", re.IGNORECASE)

_SIGNED_WITH = {
    "sig": {"se", "sp", "sv", "sr", "st", "spr", "skoid", "sktid", "skt", "ske", "sks", "skv"},
    "signature": {"expires", "policy", "key-pair-id", "serial", "googleaccessid", "awsaccesskeyid"},
    # CDNs sign so. A token alone may as well say which file it is.
    "token": {"expires"},
}
"""Query parameters that are signatures, of Azure, of CloudFront, of the old ways of S3 and Google, of the sandbox, of CDNs; and what
belongs to each. Without the signature these are words like any other: `?se=1` and `?se=2` may be two songs, and what
is wrongly taken for one is never processed, while what is wrongly taken for two is paid for twice at most."""
_ALWAYS_SIGNED = ("x-amz-", "x-goog-")


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


def without_queries(message: str) -> str:
    """Somebody else's words, such as the service's, with the addresses in them as `without_query` gives them."""
    return _ADDRESS.sub(lambda found: without_query(found[0]), message) if "://" in message else message


def printable(text: str) -> str:
    """Somebody else's text, such as a job's name or a service's message, that can't take over a terminal.

    White space becomes blanks, and everything else that isn't printable (escape sequences, marks of direction, lone
    surrogates, which can't even be encoded) a replacement character.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else " " if each.isspace() else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )


def without_signature(url: str) -> str:
    """What a URL points at: without its signature, which is another one every time, user name and fragment.

    Raises:
        ValueError: it can't be taken apart.
    """
    if "?" not in url and "#" not in url and "@" not in url:
        return url  # nearly all of a catalogue's, and parsing is slow
    from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    signing = _signing({name.lower() for name, _ in query})
    kept = [(name, value) for name, value in query if not _signs(name.lower(), value, signing)]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, urlencode(kept), ""))


def _signing(names: set[str]) -> set[str]:
    """Which of the names of a query are of its signature."""
    found = set[str]()
    for signature, beside in _SIGNED_WITH.items():
        if signature in names and (signature != "token" or beside <= names):
            found |= {signature, *beside}
    return found


def _signs(name: str, value: str, signing: set[str]) -> bool:
    if name == "hdnts":  # Akamai's, unless it is somebody's own
        return "hmac=" in value
    return name in signing or name.startswith(_ALWAYS_SIGNED)


def safe_repr(value: object) -> str:
    """The `repr` of an argument, in which URLs appear without their query."""
    if isinstance(value, str):
        return repr(without_query(value)) if "://" in value else repr(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return "{" + ", ".join(f"{key!r}: {safe_repr(entry)}" for key, entry in entries) + "}"
    return repr(value)
