"""Reads answers as their expected type, and raises errors for answers with an error status."""

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
from musicai_sdk.models._lenient import Page, note_headers
from musicai_sdk.models.job import JobCreated

BODY_LIMIT = 10_000
"""The most characters of a body to keep in an error."""
ERROR_LIMIT = 1024 * 1024
"""The most bytes of an error answer that are parsed."""
MESSAGE_LIMIT = 1_000
"""The most characters of the service's message to quote in an error."""
_PAGE: type[Any] = Page
_HEADER_LIMIT = 200
"""The most characters of a header to quote in an error."""


def read_json(kind: Any, response: Response, where: str, *, cut: bool = True) -> Any:
    """The body as `kind`. Malformed JSON is repaired if possible.

    Args:
        kind: The expected type.
        response: The answer.
        where: The request in words, for errors.
        cut: Whether values that are nested too deeply become null. Otherwise they raise an error.

    Raises:
        ResponseError: the body isn't JSON, or doesn't fit the type; the text says which.
    """
    try:
        return _read(kind, response.body, response, where)
    except _NotJsonError:
        pass
    from musicai_sdk._core.json_text import TooDeepError, repaired  # here, because it is rarely needed

    try:
        return _read(kind, repaired(response.body, cut=cut), response, where)
    except TooDeepError as error:
        raise ResponseError(
            f"{where} answered {response.status} with JSON that is {error}: download it instead of reading it",
            body=_as_text(response.body),
        ) from None
    except ValueError as error:  # includes _NotJsonError
        content = without_queries(response.headers.get("content-type", "no content type"))[:_HEADER_LIMIT]
        raise ResponseError(
            f"{where} answered {response.status} with {content} that isn't valid JSON ({error}): perhaps from a proxy or"
            f" a login page, or truncated",
            body=_as_text(response.body),
        ) from None


class _NotJsonError(ValueError):
    """The message of pydantic's parser."""


def _read(kind: Any, body: bytes, response: Response, where: str) -> Any:
    try:
        found = adapter(kind).validate_json(body)
    except ValidationError as error:
        # In a union, the deepest problem belongs to the member that the server meant.
        problems = error.errors(include_url=False, include_input=False)
        problem = max(problems, key=lambda each: len(each["loc"]))
        if problem["type"] == "json_invalid":
            raise _NotJsonError(problem["msg"].removeprefix("Invalid JSON: ")) from None
        field = without_queries(_path(problem["loc"], from_json(body)))
        raise ResponseError(
            f"{where} answered {response.status}, but {f'the field {field}' if field else 'the answer'} doesn't fit:"
            f" {problem['msg']}",
            field=field or None,
            body=_as_text(response.body),
        ) from None
    if isinstance(found, _PAGE):
        note_headers(found, response.status, response.headers)
    return found


def _as_text(body: bytes) -> str:
    """The beginning of a body, to quote in an error, without the queries of URLs."""
    return without_queries(body[: 4 * BODY_LIMIT].decode("utf-8", "replace")[:BODY_LIMIT])


def _path(location: Sequence[str | int], body: Any) -> str:
    """A location in the body as text, without the names of union members that pydantic inserts."""
    path = list[str]()
    for number, part in enumerate(location, 1):
        in_object = isinstance(body, dict)
        try:
            body = body[part]
        except (LookupError, TypeError):
            # A missing field is the last part of its location, in an object. Names of types aren't identifiers.
            if number < len(location) or not in_object or not str(part).isidentifier():
                continue
        path.append(str(part))
    return ".".join(path)


def status_error(where: str, response: Response, settings: ClientConfig) -> StatusError:
    """The error for an error status. The body's `message` is the service's text."""
    status = response.status
    fields = _json_object(response.body)
    said = str(fields.get("message") or fields.get("title") or _phrase(status))
    message = printable(without_queries(said))[:MESSAGE_LIMIT]
    identifier = without_queries(request_id(response.headers) or "")[:_HEADER_LIMIT] or None
    advice = _advice(where, status, str(fields.get("message", "")), response, settings)
    shown = message.rstrip(".") if advice or identifier else message
    kind = STATUS_ERRORS.get(status, ServerError if status >= 500 else StatusError)
    error = kind(
        f"{where}: {status} {shown}{f' (request id {identifier})' if identifier else ''}{advice}",
        status=status,
        code=printable(without_queries(str(fields["code"])))[:MESSAGE_LIMIT] if fields.get("code") else None,
        message=message,
        body=_as_text(response.body),
        request_id=identifier,
    )
    error.names_job = _names_job(fields)
    error.retry_after = parse_retry_after(response.headers.get("retry-after"))
    return error


def _names_job(fields: dict[str, Any]) -> bool:
    try:
        JobCreated.model_validate(fields)
    except ValidationError:
        return False
    return True


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(unknown status)"


def _json_object(body: bytes) -> dict[str, Any]:
    from musicai_sdk._core.json_text import repaired

    if len(body) > ERROR_LIMIT:
        return {}
    try:
        value = json.loads(repaired(body))
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _advice(where: str, status: int, message: str, response: Response, settings: ClientConfig) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return f"; check that the key from {settings.key_source} belongs to {settings.base_url}"
    if status == HTTPStatus.NOT_FOUND and (not message or message.startswith("Route ")):
        return f"; check the base URL {settings.base_url}: it usually ends in /v1"
    if 300 <= status < 400:
        target = without_query(response.headers.get("location", "an unnamed place"))
        advice = f"; the API redirected to {target}, which the client doesn't follow with your key: check base_url="
        acted = ". The request may have been carried out nevertheless" if where.startswith("POST") else ""
        return advice + acted
    return ""
