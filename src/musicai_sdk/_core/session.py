"""One client's logic: from an operation to a typed answer or a typed error."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from musicai_sdk._core.durations import Durations
from musicai_sdk._core.operations import Operation, adapter
from musicai_sdk._core.options import RequestOptions, check_options, checked_headers
from musicai_sdk._core.retrying import Budget, Policy, parse_retry_after, retrying
from musicai_sdk._core.settings import Settings
from musicai_sdk._io import IO, Request, Response, request_id, send
from musicai_sdk._text import without_queries, without_query
from musicai_sdk.errors import (
    STATUS_ERRORS,
    InputError,
    ResponseError,
    ServerError,
    StatusError,
)

if TYPE_CHECKING:
    from musicai_sdk._core.polling import Pollers

T = TypeVar("T")

Query = Mapping[str, str | int | Sequence[str] | None]
BODY_LIMIT = 10_000
"""How much of a body an error keeps, in characters."""


class Session:
    """Settings, driver and retry budget of one client, and what its waits share."""

    def __init__(self, settings: Settings, io: IO) -> None:
        self.settings: Settings = settings
        self.io: IO = io
        self.budget: Budget = Budget()
        self.durations: Durations = Durations()
        self.creating: dict[tuple[int, str], object] = {}
        """The tokens under which a job is being created, by process; see `musicai_sdk._core.idempotency`."""
        self.lost: set[str] = set()
        """Keys under which this client has sent a POST whose answer it doesn't know."""
        self.echoes: bool = False
        """Whether a listed job carried a key: the service gives metadata back."""
        self.began: float = process_began(io)
        """When this process began to use the package, by `io.now()`: what earlier processes sent, they sent before."""
        self.pollers: dict[int, Pollers] = {}
        """Who polls, by process; see `musicai_sdk._core.polling`."""

    async def close(self) -> None:
        """Closes the connections, and ends those who wait."""
        await self.io.close()
        for pollers in list(self.pollers.values()):
            pollers.close()

    def on(self, io: IO) -> Session:
        """The same session on another driver, for work that `io.transfer` runs."""
        other = Session(self.settings, io)
        other.budget = self.budget
        return other

    async def call(
        self,
        operation: Operation[T],
        *,
        job_id: str | None = None,
        query: Query | None = None,
        payload: Mapping[str, Any] | None = None,
        options: RequestOptions | None = None,
        deadline: float | None = None,
    ) -> T:
        """Sends one operation, with retries, and reads its answer."""
        options = options or {}
        path = operation.path.replace("{id}", segment(job_id)) if "{id}" in operation.path else operation.path

        async def attempt(number: int) -> T:
            return await self.once(
                operation, path, query=query, payload=payload, options=options, attempt=number
            )

        policy = self.policy(options, repeatable=operation.repeatable)
        return await retrying(self.io, policy, f"{operation.method} {path}", attempt, deadline=deadline)

    async def once(
        self,
        operation: Operation[T],
        path: str,
        *,
        query: Query | None = None,
        payload: Mapping[str, Any] | None = None,
        options: RequestOptions | None = None,
        attempt: int = 1,
    ) -> T:
        """Sends one operation a single time and reads its answer."""
        options = options or {}
        headers = {
            **checked_headers(options),
            "Accept": "application/json",
            "Authorization": self.settings.api_key,
            "User-Agent": self.settings.user_agent,
        }
        body: bytes | None = None
        if payload is not None:
            headers["Content-Type"] = "application/json"
            body = encoded(payload)
        request = Request(
            channel="api",
            method=operation.method,
            url=f"{self.settings.base_url}{path}{_query(query or {})}",
            headers=headers,
            body=body,
            timeout=self.timeout(options),
            attempt=attempt,
        )
        response = await send(self.io, request)
        where = f"{request.method} {path}"
        if not 200 <= response.status < 300:
            raise status_error(where, response, self.settings)
        return operation.unwrap(read_json(operation.answer, response, where))

    def policy(self, options: RequestOptions, *, repeatable: bool = True) -> Policy:
        """The retry policy of one call, whose options are checked here, before anything is sent."""
        check_options(options)
        return Policy(options.get("max_retries", self.settings.max_retries), self.budget, repeatable)

    def timeout(self, options: RequestOptions) -> float | None:
        """The timeout of one exchange, in seconds."""
        return options.get("request_timeout", self.settings.timeout)


_BEGAN: dict[int, float] = {}


def process_began(io: IO) -> float:
    """When the first client of this process was made. A forked child is a process of its own."""
    return _BEGAN.setdefault(os.getpid(), io.now())


def segment(job_id: object) -> str:
    """A job id as one path segment: `../application` can't leave `/job/`."""
    if not isinstance(job_id, str) or not job_id.strip():
        raise InputError(f"a job id must be a non-empty string, not {job_id!r}")
    # Dots aren't quoted by urllib, and HTTP libraries resolve "." and ".." themselves.
    return quote(job_id, safe="").replace(".", "%2E")


def encoded(payload: Mapping[str, Any]) -> bytes:
    """A request body; `InputError` names what JSON can't hold."""
    try:
        return json.dumps(payload, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"params and metadata must be what JSON can hold: {error}") from None


def _query(values: Query) -> str:
    """Lists become repeated keys (source: official reference); what is None is left out."""
    present = [(name, value) for name, value in values.items() if value is not None]
    return f"?{urlencode(present, doseq=True)}" if present else ""


def read_json(kind: Any, response: Response, where: str) -> Any:
    """The body as `kind`, straight from its bytes."""
    try:
        return adapter(kind).validate_json(response.body)
    except ValidationError as error:
        body = response.body.decode("utf-8", "replace")[:BODY_LIMIT]
        # Of a union's complaints, that about the deepest place is about the member that the server meant.
        problems = error.errors(include_url=False, include_input=False)
        problem = max(problems, key=lambda each: len(each["loc"]))
        if problem["type"] == "json_invalid":
            content = response.headers.get("content-type", "no content type")
            raise ResponseError(
                f"{where} answered {response.status} with {content} that isn't valid JSON: a proxy or a login page in"
                f" between, or a truncated answer",
                body=body,
            ) from None
        field = _path(problem["loc"], json.loads(response.body))
        raise ResponseError(
            f"{where} answered {response.status}, but its field {field or '(the whole)'} doesn't fit:"
            f" {problem['msg']}",
            field=field or None,
            body=body,
        ) from None


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


def status_error(where: str, response: Response, settings: Settings) -> StatusError:
    """The error of an error status; the service's own words are in the body's `message`."""
    status = response.status
    text = response.body.decode("utf-8", "replace")[:BODY_LIMIT]
    fields = _json_object(response.body)
    message = without_queries(str(fields.get("message") or fields.get("title") or _phrase(status)))
    identifier = request_id(response.headers)
    advice = _advice(status, str(fields.get("message", "")), response, settings)
    kind = STATUS_ERRORS.get(status, ServerError if status >= 500 else StatusError)
    error = kind(
        f"{where}: {status} {message}{f' (request id {identifier})' if identifier else ''}{advice}",
        status=status,
        code=str(fields["code"]) if fields.get("code") else None,
        message=message,
        body=text,
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
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _advice(status: int, message: str, response: Response, settings: Settings) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return f"; the key came from {settings.key_source} and was sent to {settings.base_url}: do they go together?"
    if status == HTTPStatus.NOT_FOUND and (not message or message.startswith("Route ")):
        return f"; there is no such address, so look at the base URL: it is {settings.base_url}, and usually ends in /v1"
    if 300 <= status < 400:
        target = without_query(response.headers.get("location", "an unnamed place"))
        return f"; the API redirected to {target}, which the client doesn't follow with your key: check base_url="
    return ""
