"""One client's logic: from an operation to a typed answer or a typed error."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import quote, urlencode

from musicai_sdk._core.config import ClientConfig
from musicai_sdk._core.durations import Durations
from musicai_sdk._core.operations import Operation
from musicai_sdk._core.options import RequestOptions, check_options, checked_headers
from musicai_sdk._core.responses import read_json, status_error
from musicai_sdk._core.retry import Budget, Policy, retrying
from musicai_sdk._io import IO, Request, rest, send, whole
from musicai_sdk._text import without_queries
from musicai_sdk.errors import InputError, ResponseError

T = TypeVar("T")


class Closeable(Protocol):
    """What the calls of a client share."""

    def close(self) -> None:
        """Ends it, because the client is closed."""
        ...


C = TypeVar("C", bound=Closeable)

Query = Mapping[str, str | int | Sequence[str] | None]


class Session:
    """Settings, driver and retry budget of one client, and what its waits share."""

    def __init__(self, settings: ClientConfig, io: IO) -> None:
        self.settings: ClientConfig = settings
        self.io: IO = io
        self.budget: Budget = Budget()
        self.durations: Durations = Durations()
        self.creating: dict[tuple[int, str], object] = {}
        """The keys under which a job is being created, by process; see `musicai_sdk._core.idempotency`."""
        self.lost: set[str] = set()
        """Keys under which this client, or a copy of it, has sent a POST whose answer it doesn't know."""
        self.echoes: bool = False
        """Whether a listed job carried a key: the service gives metadata back."""
        self.began: float = getattr(io, "began", io.now)()
        """When this process began to use the package, by `io.now()`: what earlier processes sent, they sent before."""
        self._shared: dict[tuple[int, type[Closeable]], Closeable] = {}

    def share_keys(self, other: Session) -> None:
        """Makes two sessions one as far as idempotency keys are concerned: a client and its copy."""
        self.creating, self.lost = other.creating, other.lost

    async def close(self) -> None:
        """Closes the connections, and ends those who wait."""
        await self.io.close()
        for each in list(self._shared.values()):
            each.close()

    def shared(self, kind: type[C]) -> C:
        """The one object of a kind that all calls of this client share in this process.

        A forked child has objects of its own: those of its parent belong to threads that it doesn't have.
        """
        name = (os.getpid(), kind)
        return cast("C", self._shared.get(name) or self._shared.setdefault(name, kind()))

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
            secret=self.settings.secret,
        )
        where = f"{request.method} {path}"
        if operation.answer is None:
            await self._done(request, where)
            return operation.unwrap(None)
        response = await send(self.io, request)
        if not 200 <= response.status < 300:
            raise status_error(where, response, self.settings)
        return operation.unwrap(read_json(operation.answer, response, where))

    async def _done(self, request: Request, where: str) -> None:
        """Sends what is done when the service says so, whatever else it says, and whether that arrives or not."""
        stream = await self.io.open(request)
        if 200 <= stream.status < 300:
            # What the service says doesn't matter, but that it is the service does.
            said = await rest(stream)
            if said.lstrip().startswith(b"<"):
                raise ResponseError(
                    f"{where} answered {stream.status} with a web page: a proxy or a login page in between, so that"
                    f" nothing may have been done",
                    body=without_queries(said.decode("utf-8", "replace")),
                )
            return
        raise status_error(where, await whole(stream, request), self.settings)

    def policy(self, options: RequestOptions, *, repeatable: bool = True) -> Policy:
        """The retry policy of one call, whose options are checked here, before anything is sent."""
        check_options(options)
        return Policy(options.get("max_retries", self.settings.max_retries), self.budget, repeatable)

    def timeout(self, options: RequestOptions) -> float | None:
        """How long one exchange with the API may take, and one silence of a storage, in seconds."""
        return options.get("request_timeout", self.settings.timeout)


def segment(job_id: object) -> str:
    """A job id as one path segment: `../application` can't leave `/job/`."""
    if not isinstance(job_id, str) or not job_id.strip():
        raise InputError(f"a job id must be a non-empty string, not {job_id!r}")
    # Dots aren't quoted by urllib, and HTTP libraries resolve "." and ".." themselves.
    try:
        return quote(job_id, safe="").replace(".", "%2E")
    except UnicodeEncodeError:
        raise InputError(f"{job_id!r} can't be a job id: it can't be encoded") from None


def encoded(payload: Mapping[str, Any]) -> bytes:
    """A request body; `InputError` names what JSON can't hold."""
    try:
        return json.dumps(payload, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"params and metadata must be what JSON can hold: {error}") from None


def _query(values: Query) -> str:
    """Lists become repeated keys (source: official reference); what is None is left out."""
    present = [(name, value) for name, value in values.items() if value is not None]
    try:
        return f"?{urlencode(present, doseq=True)}" if present else ""
    except UnicodeEncodeError as error:
        raise InputError(f"{error.object!r:.100} can't be sent: it can't be encoded") from None
