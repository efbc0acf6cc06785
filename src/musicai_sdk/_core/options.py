"""What can be set for one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from musicai_sdk.errors import InputError

_OWN_HEADERS = {"authorization", "host", "content-length", "transfer-encoding", "connection"}


class RequestOptions(TypedDict, total=False):
    """Per-call settings, accepted by every method; what is left out is as the client was set up."""

    request_timeout: float | None
    """Seconds of silence after which one HTTP exchange is given up; None waits for ever."""
    max_retries: int
    """How often a failed exchange is tried again; 0 switches retries off."""
    headers: Mapping[str, str]
    """Additional headers for the API requests of this call; they never reach the storage."""


def check_names(options: RequestOptions) -> None:
    """A misspelt option is an error, as a misspelt argument is."""
    for name in options.keys() - RequestOptions.__annotations__.keys():
        known = ", ".join(RequestOptions.__annotations__)
        raise TypeError(f"there is no option {name!r}; the options of every call are {known}")


def checked_headers(options: RequestOptions) -> dict[str, str]:
    """The additional headers, refused when they would break the request or carry another key."""
    headers = dict(options.get("headers", {}))
    for name, value in headers.items():
        if name.lower() in _OWN_HEADERS:
            raise InputError(f"headers= can't set {name}: the client does that")
        if not f"{name}{value}".isascii() or not f"{name}{value}".isprintable():
            raise InputError(f"the header {name!r} must be printable ASCII")
    return headers
