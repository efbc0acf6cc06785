"""Text that is safe to show: URLs without secrets, names without control characters. Also figures, and the system's name."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

_ADDRESS = re.compile(
    r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:(?:\\*/){2}[^\s'\"<>]*[^\s'\"<>.,:;)\\]", re.IGNORECASE
)
"""A URL, perhaps with the backslashes of JSON texts."""

_EQUALS = r"(?:=|%(?:25)*3d|\\{1,8}u003d)"
_QUERY = re.compile(
    rf"(?:\?|%(?:25)*3f)[\w.~+%\[\]-]{{1,64}}?{_EQUALS}(?:[^\s'\"<>]*[^\s'\"<>.,:;)\\])?", re.IGNORECASE
)
"""A query, also of a URL that is quoted, relative, or has spaces and quotes in its path."""

_STARTS_AS_URL = re.compile(r"\s*(?:url:)?[a-z][a-z0-9+.-]*://", re.IGNORECASE)

_AZURE = {
    *("st", "spr", "sip", "si", "se", "sp", "ses", "sdd", "skoid", "sktid", "skt", "ske", "sks", "skv"),
    *("saoid", "suoid", "scid"),
}
_SIGNATURES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (frozenset(needed), frozenset(optional))
    for needed, optional in (
        # S3, version 4 and 2 (source: AWS, "Authenticating Requests: Using Query Parameters").
        (
            {
                f"X-Amz-{name}"
                for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
            },
            {"X-Amz-Security-Token", "X-Amz-S3session-Token"},
        ),
        ({"AWSAccessKeyId", "Signature", "Expires"}, {"x-amz-security-token"}),
        # Google Cloud Storage, version 4 and 2 (source: Google, "Signed URLs").
        (
            {
                f"X-Goog-{name}"
                for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
            },
            set[str](),
        ),
        ({"GoogleAccessId", "Signature", "Expires"}, set[str]()),
        # Azure: a service or user delegation SAS, one with a stored policy, an account SAS (source: Microsoft,
        # "Grant limited access with SAS").
        ({"sv", "sr", "se", "sp", "sig"}, _AZURE),
        ({"sv", "sr", "si", "sig"}, _AZURE),
        ({"sv", "ss", "srt", "se", "sp", "sig"}, _AZURE),
        # CloudFront, with a canned or a custom policy (source: AWS, "Use signed URLs").
        ({"Expires", "Signature", "Key-Pair-Id"}, {"Hash-Algorithm"}),
        ({"Policy", "Signature", "Key-Pair-Id"}, {"Hash-Algorithm"}),
        # The sandbox of this package.
        ({"Expires", "Serial", "Signature"}, set[str]()),
    )
)
"""The signatures that the query of a URL may contain: the required parameters and the optional ones.

Only these parameters, spelled exactly so, count as a signature: `?serial=1&signature=x` and `?serial=2&signature=y` may
be two songs. Treating two songs as one would lose a result. Treating one song as two costs at most a second payment.
"""
_AKAMAI = ("hdnts", "hdnea")
"""Akamai's tokens: one parameter with an `hmac=` in its value."""

_VENDORS = ("X-", "x-", "AWS", "Google", "Key-Pair")
"""How the parameters begin that only signatures have."""

_FORMERLY_SIGNED_WITH = {
    "sig": {"se", "sp", "sv", "sr", "st", "spr", "skoid", "sktid", "skt", "ske", "sks", "skv"},
    "signature": {"expires", "policy", "key-pair-id", "serial", "googleaccessid", "awsaccesskeyid"},
    "token": {"expires"},
}


def without_query(url: str) -> str:
    """The URL without its query, which may hold signatures: `https://host/path?…`.

    User name, password and fragment are removed too.
    """
    url = url.partition("#")[0]
    path, question, _ = url.partition("?")
    scheme, separator, rest = path.partition("://")
    authority, slash, tail = rest.partition("/")
    path = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{tail}" if separator else path
    path = _without_parameters(path)  # as in `song.mp3%3Fsig=…` and `song.mp3;sig=…`
    return f"{path}?…" if question else path


def without_queries(message: str) -> str:
    """A message from elsewhere, such as the service, with `without_query` applied to every URL in it.

    The end of a URL is a guess: a path may contain spaces and quotes. So queries and signatures behind it are removed
    too.
    """
    if "//" in message or "\\/" in message:
        message = _ADDRESS.sub(lambda found: without_query(found[0]), message)
    return _without_parameters(message)


def _without_parameters(text: str) -> str:
    return without_signatures(_QUERY.sub(lambda found: "?…" if found[0][0] == "?" else "…", text))


@cache
def _signature() -> re.Pattern[str]:
    """Neighbouring parameters of signatures, also of incomplete or quoted ones (`%3Fsig%3D…`).

    Azure's short parameters say nothing without `sig`. Without a separator before it, a short `sig` or `signature` may be
    that of a song: `signature=4/4`, `sig=C`.
    """
    known = {name for pair in _SIGNATURES for names in pair for name in names if len(name) > 3}
    names = "|".join(sorted({*known, "sig", *_AKAMAI}))
    unmistakable = "|".join(sorted({*_AKAMAI, *(name for name in known if name.startswith(_VENDORS))}))
    value = r"(?:[^\s&;'\"<>\\]*[^\s&;'\"<>\\.,:)])?"
    separator = r"(?:\?|;\s*|&(?:amp;)?|\\u0026|%(?:25)*(?:3f|26|3b))"
    bare = rf"(?<![\w-])(?:(?:{unmistakable}){_EQUALS}|(?:sig|signature){_EQUALS}(?=[\w%+/=~-]{{8}}))"
    return re.compile(rf"(?:(?:{separator}(?:{names}){_EQUALS}|{bare}){value})+", re.IGNORECASE)


def without_signatures(text: str) -> str:
    """Text without the parameters of signatures, wherever they are. Other parameters stay."""
    if not any(mark in text for mark in "=%\\"):
        return text
    return _signature().sub(lambda found: f"{found[0][0] if found[0][0] in '?&;' else ''}…", text)


def printable(text: str) -> str:
    """Text from elsewhere, such as a job's name or a service's message, made safe for a terminal.

    White space becomes blanks. Everything else that isn't printable (escape sequences, direction marks, lone
    surrogates) becomes a replacement character.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else " " if each.isspace() else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )


def size(value: float) -> str:
    """Bytes as `1.2 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def duration(seconds: float) -> str:
    """`0.8 s`, `12 s`, `3 min`, `1.5 h`, `2.0 days`."""
    if seconds < 99.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def without_signature(url: str) -> str:
    """Identifies the content behind a URL: the URL without its password and without its signature, which changes.

    Only a complete signature of a known kind is removed. Everything else stays as it is, in its order: other
    parameters, the user name, and the fragment (`#t=10,20`, `#track=1`).

    Raises:
        ValueError: the URL can't be parsed.
    """
    if "?" not in url and "@" not in url:
        return url  # as nearly every URL of a catalogue
    from urllib.parse import urlsplit

    urlsplit(url)  # raises if it isn't a URL
    rest, hash_sign, fragment = url.partition("#")
    path, question, query = rest.partition("?")
    kept = _unsigned(query)
    return f"{_without_password(path)}{question if kept else ''}{kept}{hash_sign}{fragment}"


def _unsigned(query: str) -> str:
    """The query without the parameters of signatures. The others keep their spelling and order."""
    from collections import Counter
    from urllib.parse import unquote_plus

    parts = [(unquote_plus(part.partition("=")[0]), part) for part in query.split("&")]
    counts = Counter(name for name, _ in parts)
    once = {name for name, count in counts.items() if count == 1}
    signed = {
        name for name, part in parts if name in _AKAMAI and name in once and "hmac=" in unquote_plus(part)
    }
    for needed, optional in _SIGNATURES:
        if needed <= once:
            signed |= needed | (optional & once)
    return "&".join(part for name, part in parts if name not in signed)


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    return f"{scheme}{separator}{user.partition(':')[0]}{at}{host}{slash}{path}" if at else url


def formerly_without_signature(url: str) -> str:
    """The result of `without_signature` in 2.0.0, by which ledgers of that version identify paid tracks.

    That version removed more parameters, and also the fragment and the user name.

    Raises:
        ValueError: the URL can't be parsed.
    """
    if "?" not in url and "#" not in url and "@" not in url:
        return url
    from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    names, signing = {name.lower() for name, _ in query}, set[str]()
    for signature, beside in _FORMERLY_SIGNED_WITH.items():
        if signature in names and (signature != "token" or beside <= names):
            signing |= {signature, *beside}
    kept = [
        (name, value)
        for name, value in query
        if not ("hmac=" in value if name.lower() == "hdnts" else name.lower() in signing)
        and not name.lower().startswith(("x-amz-", "x-goog-"))
    ]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, urlencode(kept), ""))


def each_text(value: object, change: Callable[[str], str]) -> Any:
    """A JSON value with every text in it changed, names included; other values stay as they are."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return {each_text(name, change): each_text(entry, change) for name, entry in entries}
    if isinstance(value, list):
        return [each_text(each, change) for each in cast("list[object]", value)]
    return value


def displayed(value: object) -> Any:
    """A value for display: URLs have no queries, wherever they are in it."""
    return each_text(value, _displayed_text)


def _displayed_text(text: str) -> str:
    if type(text).__repr__ is not str.__repr__:
        return text  # such as a `FileUrl`, whose `repr` is that of its own
    # A URL by itself has no end to be guessed: all that follows the question mark is its query.
    return without_queries(without_query(text) if _STARTS_AS_URL.match(text) else text)


def safe_repr(value: object) -> str:
    """The `repr` of a value, in which URLs appear without their queries."""
    try:
        return without_queries(repr(displayed(value)))
    except (RecursionError, ValueError):  # nested too deeply, or a number with too many digits
        return f"<{type(value).__name__}>"


def redacted_repr(self: Any) -> str:
    """A `__repr__` for dataclasses, in which URLs appear without their queries."""
    from dataclasses import fields  # here: the import of the package doesn't need it

    shown = (f"{each.name}={safe_repr(getattr(self, each.name))}" for each in fields(self))
    return f"{type(self).__name__}({', '.join(shown)})"


def system() -> str:
    """The result of `platform.system()`, which on Windows may wait for a slow management service."""
    if sys.platform == "win32":
        return "Windows"
    else:  # noqa: RET505 - type checkers take what follows `if` for unreachable otherwise
        return os.uname().sysname


def letters(text: str) -> str:
    """The letters and digits of a text, in lower case, without differences of form."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in text if each.isalnum())
