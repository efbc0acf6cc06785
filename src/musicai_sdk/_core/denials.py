"""Answers that contradict their status: a page of a proxy or a login, or an error, sent as a success."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from typing import cast

from musicai_sdk.models._lenient import denies_success

_BLANK = b" \t\r\n\0"
_ERRORS = frozenset({"error", "errors", "exception", "fault"})
"""The names of errors in the error documents of common servers."""
_STATUSES = frozenset({"code", "status", "statuscode"})
_FAILED = frozenset({"error", "fail", "failed", "failure"})
_ERROR_NAMES = _ERRORS | _STATUSES | {
    *("detail", "details", "message", "path", "reason", "requestid", "timestamp", "title", "traceid", "type"),
    *("ok", "success"),
}  # fmt: skip
"""The names in the error documents of common servers, in lower case."""


def denial(body: bytes, *, has_body: bool) -> str | None:
    """What the body of an answer is, in words, if it contradicts a success; None if it doesn't.

    `has_body` is true for an operation whose success may be described by a body. Elsewhere a mere message denies it.
    """
    if text_of(body).startswith(b"<"):
        return "with a web page, perhaps of a proxy or a login"
    document = _document(body)
    if document and (denies(document) or (not has_body and _lower(document) <= _ERROR_NAMES)):
        return "and says that it failed"
    return None


def is_error(document: Mapping[str, object]) -> bool:
    """Whether the JSON object of a file is the error of a server that sends status 200."""
    names = _lower(document)
    says_so = not names.isdisjoint({"error", "errors"})
    explains = "message" in names and not names.isdisjoint(_STATUSES)
    return names <= _ERROR_NAMES and (says_so or explains or denies(document))


def denies(document: Mapping[str, object]) -> bool:
    """Whether a JSON object says that the server did nothing."""
    if any(denies_success(name, value) for name, value in document.items()):
        return True
    # An object with an id describes something that exists, such as a job that has failed.
    return "id" not in document and any(
        _is_failure(name.casefold(), value) for name, value in document.items()
    )


def _is_failure(name: str, value: object) -> bool:
    if name in _ERRORS:
        return bool(value)
    if name not in _STATUSES:
        return False
    text = str(value).casefold()
    return text in _FAILED or (len(text) == 3 and text[0] in "45" and text.isdecimal())


def text_of(head: bytes) -> bytes:
    """The beginning of a text in ASCII, as far as it is a text, without a byte order mark and blanks."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.decode("utf-16", "ignore").encode("ascii", "replace")
    return head.removeprefix(codecs.BOM_UTF8).lstrip(_BLANK)


def _document(body: bytes) -> Mapping[str, object]:
    """The JSON object in a body; an empty one if there is none."""
    if not text_of(body).startswith(b"{"):
        return {}
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", said) if isinstance(said, dict) else {}


def _lower(document: Mapping[str, object]) -> frozenset[str]:
    return frozenset(name.casefold() for name in document)
