"""The quirks of jobs: their fields, their results, and their form in lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse

from musicai_sdk.sandbox.database.records import Application

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import JsonValue
    from starlette.responses import Response

    from musicai_sdk.sandbox.database.records import JobRecord
    from musicai_sdk.sandbox.faults.quirks import Quirks

OTHER_APPLICATION: Final = Application(
    "0d4f9b7e-6a51-4c7b-8f0e-2b1c7d3a9e60", "Another Application", "0d4f9b7e-no-client-has-this-key"
)
"""The application that `Quirks.other_application` answers for."""

_BRIEF = ("id", "status", "workflow", "createdAt")
_LONGEST_TEXT = 8
_LOGIN = """<!DOCTYPE html>
<html><head><title>Sign in</title></head>
<body><h1>Sign in to continue</h1><form method="post"><input name="user"><input name="password"></form></body></html>
"""


def odd_job(
    answer: Mapping[str, JsonValue], job: JobRecord, quirks: Quirks, *, listed: bool
) -> dict[str, JsonValue]:
    """Returns a job as an odd service would.

    Args:
        answer: The job in its usual form, with a result of `odd_result`.
        job: The job.
        quirks: The quirks in force.
        listed: Whether the job is an item of a list.
    """
    odd = dict(answer)
    entries = answer["metadata"] if isinstance(answer["metadata"], dict) else {}
    match quirks.metadata:
        case "dropped":
            del odd["metadata"]
        case "null":
            odd["metadata"] = None
        case "stringified":
            odd["metadata"] = json.dumps(entries)
        case "strings":
            odd["metadata"] = {name: _text(value) for name, value in entries.items()}
        case "truncated":
            odd["metadata"] = {name: _cut(value) for name, value in entries.items()}
        case "kept":
            pass
    if quirks.odd_fields:
        odd.update(startedAt="", metadata=[], name=7, error="text")
        if job.completed_at is not None:
            seconds, rest = divmod(job.completed_at, 1)
            odd["completedAt"] = {"_seconds": int(seconds), "_nanoseconds": int(rest * 1e9)}
    if quirks.no_error_field:
        odd.pop("error", None)
    if listed:
        match quirks.list_view:
            case "no_results":
                odd.pop("result", None)
            case "no_metadata":
                odd.pop("metadata", None)
            case "brief":
                odd = {name: odd[name] for name in _BRIEF}
            case "full":
                pass
    return odd


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cut(value: JsonValue) -> JsonValue:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def odd_result(
    outputs: Mapping[str, Mapping[str, JsonValue]] | None, url: Callable[[str], str], quirks: Quirks
) -> JsonValue:
    """Returns the result of a job.

    Args:
        outputs: The records of the outputs; None if there are none.
        url: Signs a URL for an object's key.
        quirks: The quirks in force.
    """
    if outputs is None and quirks.no_result == "empty":
        return {}
    if outputs is None or quirks.empty_results == "null":
        return None
    if quirks.empty_results == "empty":
        return {}
    result: dict[str, JsonValue] = {}
    files: list[JsonValue] = []
    for index, (name, output) in enumerate(outputs.items()):
        key = output.get("object")
        value = output.get("value")
        if isinstance(key, str):
            value = _shouted(url(key)) if quirks.shouting_urls else url(key)
        if index == 0 and quirks.empty_results == "missing":
            continue
        if index == 0 and quirks.empty_results == "blank":
            value = ""
        elif isinstance(key, str) and quirks.nested_results:
            files.append(value)
            continue
        result[name] = value
    return {**result, "stems": {"files": files}} if files else result


def _shouted(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme.upper()}{separator}{rest}"


def login_page() -> Response:
    """Returns the page of a captive portal."""
    return HTMLResponse(_LOGIN)
