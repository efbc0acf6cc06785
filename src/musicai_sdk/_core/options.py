"""Per-call settings."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from typing import TypedDict, TypeGuard, cast

from musicai_sdk._text import safe_repr
from musicai_sdk.errors import InputError, MusicAiError

_OWN_HEADERS = {"authorization", "host", "content-length", "transfer-encoding", "connection"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class RequestOptions(TypedDict, total=False):
    """Per-call settings, accepted by every method. The client's own settings are the defaults."""

    request_timeout: float | None
    """Seconds for one exchange; None for no limit.

    For the API, this limits the whole exchange, from connecting to the last byte of the answer. For a storage, it
    limits the wait for the head of the answer, and each time without any data. Connecting takes at most 10 s. The limit
    applies to each attempt.
    """
    connect_timeout: float | None
    """Seconds for establishing a connection, in addition to `request_timeout`. By default or with None, connecting
    takes at most 10 s, which count as part of `request_timeout`."""
    max_retries: int
    """How often a failed exchange is retried; 0 switches retries off."""
    headers: Mapping[str, str]
    """Additional headers for this call's API requests. The storage never gets them."""


def check_options(options: RequestOptions) -> None:
    """Raises `TypeError` for an unknown option, and `InputError` for an invalid value."""
    if not options:  # as in most calls
        return
    for name in options.keys() - RequestOptions.__annotations__.keys():
        known = ", ".join(RequestOptions.__annotations__)
        raise TypeError(f"there is no option {name!r}; the options of every call are {known}")
    if "max_retries" in options:
        check_max_retries(options["max_retries"], InputError)
    for name in ("request_timeout", "connect_timeout"):
        check_timeout(options.get(name), name, InputError)
    checked_headers(options)


def check_max_retries(value: object, kind: type[MusicAiError]) -> None:
    """Raises an error of the given class unless the value is a number of retries."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise kind(f"max_retries must be a whole number, 0 or more, not {safe_repr(value):.100}")


def check_timeout(value: object, name: str, kind: type[MusicAiError]) -> None:
    """Raises an error of the given class unless the value is a timeout."""
    if value is not None and not is_duration(value):
        shown = safe_repr(value)
        hint = ": connect_timeout= of each call limits connecting" if isinstance(value, tuple) else ""
        raise kind(f"{name} must be more than 0 seconds, or None for no limit, not {shown:.100}{hint}")


def is_duration(value: object) -> bool:
    """Whether the value is a finite number of seconds above 0."""
    return is_number(value) and 0 < value < math.inf


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a real number, not too large for a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) <= sys.float_info.max


def checked_headers(options: RequestOptions) -> dict[str, str]:
    """The additional headers. Raises `InputError` if they would break the request or contain another key."""
    if "headers" not in options:
        return {}
    headers = cast("object", options["headers"])
    if not isinstance(headers, Mapping):
        raise InputError(f"headers must be a mapping of names to texts, not {type(headers).__name__}")
    checked = dict[str, str]()
    for name, value in cast("Mapping[object, object]", headers).items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise InputError(f"{safe_repr(name):.100} isn't a header name: use letters, digits and '-'")
        if name.lower() in _OWN_HEADERS:
            raise InputError(f"headers= can't set {name}: the client sets it")
        if not isinstance(value, str):
            raise InputError(f"the header {name!r} must be text, not {type(value).__name__}")
        if not is_header_value(value):
            raise InputError(f"the header {name!r} must be printable ASCII, without white space around it")
        checked[name] = value
    return checked


def is_header_value(text: str) -> bool:
    """Whether a text is a valid HTTP header value."""
    return text.isascii() and text.isprintable() and text == text.strip()
