"""Answers that contradict their status: a page of a proxy or a login, or an error, sent as a success."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from typing import cast

from musicai_sdk._text import letters
from musicai_sdk.models._lenient import denies_success

_BLANK = b" \t\r\n\0"
_ERRORS = frozenset(
    [
        "error",
        "errors",
        "errorcode",
        "errordescription",
        "errormessage",
        "errormsg",
        "errortype",
        "exception",
        "fault",
        "odataerror",
    ]
)
"""The names of errors in the error documents of common servers. These and all other names here are their letters."""
_SUCCESS = frozenset({"ok", "success"})
_EXPLANATIONS = frozenset({"detail", "details", "message", "msg", "reason"})
_STATUSES = frozenset({"code", "status", "statuscode"})
_FAILED = frozenset({"error", "fail", "failed", "failure"})
_CONTEXT = frozenset(
    [
        "documentationurl",
        "host",
        "hostid",
        "instance",
        "method",
        "path",
        "requestid",
        "resource",
        "time",
        "timestamp",
        "title",
        "traceid",
        "type",
    ]
)
_ERROR_NAMES = _ERRORS | _SUCCESS | _EXPLANATIONS | _STATUSES | _CONTEXT
"""The names in the error documents of common servers."""
_MOST_NAMES = 30
"""The most names in an error document."""


def denial(body: bytes, *, has_body: bool) -> str | None:
    """What the body of an answer is, in words, if it contradicts a success; None if it doesn't.

    `has_body` is true for an operation whose success may be described by a body. Elsewhere a mere message denies it.
    """
    if text_of(body).startswith(b"<"):
        return "with a web page, perhaps of a proxy or a login"
    document = _document(body)
    if document and (
        denies(document) or (not has_body and frozenset(map(letters, document)) <= _ERROR_NAMES)
    ):
        return "and says that it failed"
    return None


def is_error(document: object) -> bool:
    """Whether the JSON value of a file is the error of a server that sends status 200."""
    if isinstance(document, list):
        values = cast("list[object]", document)
        return bool(values) and all(map(is_error, values))
    if not isinstance(document, dict) or len(cast("dict[str, object]", document)) > _MOST_NAMES:
        return False
    entries = {letters(name): value for name, value in cast("dict[str, object]", document).items()}
    names = entries.keys()
    if any(isinstance(entries[name], str | dict) and entries[name] for name in names & _ERRORS):
        return True
    says_so = any(entries[name] is False for name in names & _SUCCESS)
    has_error = not names.isdisjoint(_ERRORS)
    explains = any(isinstance(entries[name], str | list) for name in names & _EXPLANATIONS)
    explains = explains and ("title" not in names or not names.isdisjoint(_STATUSES))
    return says_so or (names <= _ERROR_NAMES and (has_error or explains))


def denies(document: Mapping[str, object]) -> bool:
    """Whether a JSON object says that the server did nothing."""
    if any(denies_success(name, value) for name, value in document.items()):
        return True
    # An object with an id describes something that exists, such as a job that has failed.
    return "id" not in document and any(_is_failure(letters(name), value) for name, value in document.items())


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
