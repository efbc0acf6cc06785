"""Answers: read as the type that is expected, or raised as the error that they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import from_json

from musicai_sdk._core.operations import adapter
from musicai_sdk._core.retry import parse_retry_after
from musicai_sdk._core.settings import ClientConfig
from musicai_sdk._io import Response, request_id
from musicai_sdk._text import printable, without_queries, without_query
from musicai_sdk.errors import STATUS_ERRORS, ResponseError, ServerError, StatusError

BODY_LIMIT = 10_000
"""How much of a body an error keeps, in characters."""
ERROR_LIMIT = 1024 * 1024
"""Bytes of an error's body that are looked at for what the service says."""
MESSAGE_LIMIT = 1_000
"""How much of a service's message an error quotes, in characters."""


def read_json(kind: Any, response: Response, where: str, *, cut: bool = True) -> Any:
    """The body as `kind`, straight from its bytes; JSON that pydantic doesn't take is mended first.

    Args:
        kind: What it is read as.
        response: The answer.
        where: The request in words, for errors.
        cut: Whether what is nested too deeply to be read becomes null, or an error.

    Raises:
        ResponseError: it isn't JSON, or it doesn't fit; the text says which.
    """
    try:
        return _read(kind, response.body, response, where)
    except _NotJsonError:
        pass
    from musicai_sdk._core.json_text import TooDeepError, mended  # hardly ever needed

    try:
        return _read(kind, mended(response.body, cut=cut), response, where)
    except TooDeepError as error:
        raise ResponseError(
            f"{where} answered {response.status} with JSON that is {error}: it can be downloaded, but not read",
            body=_as_text(response.body),
        ) from None
    except ValueError as error:  # _NotJsonError is one
        content = response.headers.get("content-type", "no content type")
        raise ResponseError(
            f"{where} answered {response.status} with {content} that isn't valid JSON ({error}): a proxy or a login"
            f" page in between, or a truncated answer",
            body=_as_text(response.body),
        ) from None


class _NotJsonError(ValueError):
    """What pydantic's parser says of a text."""


def _read(kind: Any, body: bytes, response: Response, where: str) -> Any:
    try:
        return adapter(kind).validate_json(body)
    except ValidationError as error:
        # Of a union's complaints, that about the deepest place is about the member that the server meant.
        problems = error.errors(include_url=False, include_input=False)
        problem = max(problems, key=lambda each: len(each["loc"]))
        if problem["type"] == "json_invalid":
            raise _NotJsonError(problem["msg"].removeprefix("Invalid JSON: ")) from None
        field = _path(problem["loc"], from_json(body))
        raise ResponseError(
            f"{where} answered {response.status}, but its field {field or '(the whole)'} doesn't fit:"
            f" {problem['msg']}",
            field=field or None,
            body=_as_text(response.body),
        ) from None


def _as_text(body: bytes) -> str:
    """A body as errors keep it: its beginning, without the queries of URLs."""
    return without_queries(body[: 4 * BODY_LIMIT].decode("utf-8", "replace")[:BODY_LIMIT])


def _path(location: Sequence[str | int], body: Any) -> str:
    """A place in the body as text, without the names of unions' members that pydantic puts in between."""
    path = list[str]()
    for number, part in enumerate(location, 1):
        in_object = isinstance(body, dict)
        try:
            body = body[part]
        except (LookupError, TypeError):
            # The field that is missing is the last one, in an object.
            if number < len(location) or not in_object:
                continue
        path.append(str(part))
    return ".".join(path)


def status_error(where: str, response: Response, settings: ClientConfig) -> StatusError:
    """The error of an error status; the service's own words are in the body's `message`."""
    status = response.status
    fields = _json_object(response.body)
    said = str(fields.get("message") or fields.get("title") or _phrase(status))
    message = printable(without_queries(said))[:MESSAGE_LIMIT]
    identifier = request_id(response.headers)
    advice = _advice(where, status, str(fields.get("message", "")), response, settings)
    kind = STATUS_ERRORS.get(status, ServerError if status >= 500 else StatusError)
    error = kind(
        f"{where}: {status} {message}{f' (request id {identifier})' if identifier else ''}{advice}",
        status=status,
        code=printable(str(fields["code"]))[:MESSAGE_LIMIT] if fields.get("code") else None,
        message=message,
        body=_as_text(response.body),
        request_id=identifier,
    )
    error.retry_after = parse_retry_after(response.headers.get("retry-after"))
    return error


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(a status without a name)"


def _json_object(body: bytes) -> dict[str, Any]:
    from musicai_sdk._core.json_text import mended

    if len(body) > ERROR_LIMIT:
        return {}
    try:
        value = json.loads(mended(body))
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _advice(where: str, status: int, message: str, response: Response, settings: ClientConfig) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return f"; the key came from {settings.key_source} and was sent to {settings.base_url}: do they go together?"
    if status == HTTPStatus.NOT_FOUND and (not message or message.startswith("Route ")):
        return f"; there is no such address, so look at the base URL: it is {settings.base_url}, and usually ends in /v1"
    if 300 <= status < 400:
        target = without_query(response.headers.get("location", "an unnamed place"))
        advice = f"; the API redirected to {target}, which the client doesn't follow with your key: check base_url="
        return (
            f"{advice}. It may have done what it was asked to all the same"
            if where.startswith("POST")
            else advice
        )
    return ""
