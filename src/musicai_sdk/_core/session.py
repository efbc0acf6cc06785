"""One client's session: sends operations, and returns typed answers or raises typed errors."""

from __future__ import annotations

import json
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import quote, quote_plus
from uuid import UUID

from musicai_sdk._core.durations import JobDurations
from musicai_sdk._core.operations import Operation
from musicai_sdk._core.options import RequestOptions, check_options, checked_headers
from musicai_sdk._core.responses import read_json, status_error
from musicai_sdk._core.retry import Budget, Policy, retrying
from musicai_sdk._core.settings import ClientConfig
from musicai_sdk._io import IO, Request, Response, ResponseStream, rest, whole
from musicai_sdk._text import safe_repr, without_queries, without_query
from musicai_sdk.errors import InputError, MusicAiError, ResponseError
from musicai_sdk.models.job import Job, JobState, change_errors
from musicai_sdk.models.outputs import is_file_url

if TYPE_CHECKING:
    from musicai_sdk._core.lost_keys import LostKeys
    from musicai_sdk._job_search import Wanted

T = TypeVar("T")


class Closeable(Protocol):
    """An object that all calls of a client share."""

    def close(self) -> None:
        """Called when the client is closed."""
        ...


C = TypeVar("C", bound=Closeable)

_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
"""The form of the service's ids (source: the official integration tests)."""
SHORTEST_EXCHANGE = 1.0
"""Seconds for an exchange that begins shortly before the caller's deadline."""

Query = Mapping[str, str | int | Sequence[str] | None]


class Session:
    """The state of one client: settings, driver, retry budget, idempotency keys, shared waits."""

    def __init__(self, settings: ClientConfig, io: IO) -> None:
        self.settings: ClientConfig = settings
        self.io: IO = io
        self.budget: Budget = Budget()
        self.durations: JobDurations = JobDurations()
        self.creating: dict[tuple[int, str], object] = {}
        """The keys of running creates, by process; see `musicai_sdk._core.idempotency`."""
        self.own_lost: set[str] = set()
        """The keys of this client's and its copies' POSTs whose answers are unknown; see `lost`."""
        self.created: OrderedDict[str, Wanted | None] = OrderedDict()
        """The requests whose POSTs were answered with these ids. None for a job that isn't the request's, as it shows."""
        self.echoes: frozenset[str] = frozenset()
        """The statuses of listed jobs that had a key, which proves that the service returns metadata."""
        self.began: float = getattr(io, "began", io.now)()
        """The time of `io.now()` at which this process began to use the package. Earlier processes sent their POSTs
        before it."""
        self._shared: dict[tuple[int, type[Closeable]], Closeable] = {}

    def share_keys(self, other: Session) -> None:
        """Shares idempotency keys with the session of a client's copy, so that a key creates only one job in both."""
        self.creating, self.created, self.own_lost = other.creating, other.created, other.own_lost

    @property
    def lost(self) -> LostKeys:
        """The keys of POSTs whose answers are unknown, sent by this process."""
        from musicai_sdk._core.lost_keys import LostKeys  # here: only jobs that cost money need it

        # Each session on a driver without a beginning is a simulated process.
        return LostKeys(self.settings, self.io.now, self.own_lost, alone=not hasattr(self.io, "began"))

    async def close(self) -> None:
        """Closes the connections, and ends all waits."""
        await self.io.close()
        for each in list(self._shared.values()):
            each.close()

    def shared(self, kind: type[C]) -> C:
        """The object of this class that all calls of this client share in this process.

        A forked child gets new objects, because the parent's belong to threads that don't exist in the child.
        """
        name = (os.getpid(), kind)
        return cast("C", self._shared.get(name) or self._shared.setdefault(name, kind()))

    def on(self, io: IO) -> Session:
        """This session with another driver, for work that `io.transfer` runs."""
        other = Session(self.settings, io)
        other.budget = self.budget
        return other

    async def blocking(self, work: Callable[[], T]) -> T:
        """Runs work that waits for a disk or another network, where it doesn't block the event loop."""

        async def run(_io: IO) -> T:
            return work()

        return await self.io.transfer(run)

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

        def attempt(number: int) -> Coroutine[Any, Any, T]:
            return self.once(
                operation,
                path,
                query=query,
                payload=payload,
                options=options,
                attempt=number,
                deadline=deadline,
            )

        policy = self.policy(options, repeatable=operation.repeatable)
        where = f"{operation.method} {path}"
        answer = await retrying(self.io, policy, where, attempt, deadline=deadline)
        if job_id is not None:
            self._check_identity(str(job_id), answer, where)  # perhaps a `UUID`
        return answer

    async def once(
        self,
        operation: Operation[T],
        path: str,
        *,
        query: Query | None = None,
        payload: Mapping[str, Any] | None = None,
        options: RequestOptions | None = None,
        attempt: int = 1,
        deadline: float | None = None,
    ) -> T:
        """Sends one operation once, without retries, and reads its answer.

        The deadline is a time of `io.now()`, and includes the wait for a free connection. A paid POST that was sent isn't
        limited by it, because only its answer identifies the job.
        """
        options = options or {}
        headers = {
            **checked_headers(options),
            "Accept": "application/json",
            # The answer of a cache on the way would lack the newest jobs, or be the URL of another upload.
            "Cache-Control": "no-cache",
            "User-Agent": self.settings.user_agent,
        }
        body: bytes | None = None
        if payload is not None:
            headers["Content-Type"] = "application/json"
            body = encoded(payload)
        left = None if deadline is None else max(SHORTEST_EXCHANGE, deadline - self.io.now())
        request = Request(
            channel="api",
            method=operation.method,
            url=f"{self.settings.base_url}{path}{_query(query or {})}",
            headers=headers,
            body=body,
            timeout=self.timeout(options),
            connect_timeout=options.get("connect_timeout"),
            attempt=attempt,
            secret=self.settings.secret,
            left=left if operation.repeatable else None,
            wait=left,
        )
        where = f"{request.method} {path}"
        try:
            stream = await self.io.open(request)
            succeeded = 200 <= stream.status < 300
            if succeeded and operation.answer is None:
                await self._ignore(stream, where)
                return cast("T", None)
            response = await whole(stream, request)
            if succeeded:
                try:
                    answer: T = read_json(operation.answer, response, where)
                except ResponseError:
                    pass
                else:
                    secret = self.settings.secret
                    if secret.is_distinct:
                        # Programs show the errors of jobs. All else stays, because it is compared.
                        change_errors(answer, secret.hidden_in)
                    return answer
            # Errors quote the answer, and reports of errors show local variables.
            response = self._without_key(response)
            if not succeeded:
                raise status_error(where, response, self.settings)
            return cast("T", read_json(operation.answer, response, where))
        except MusicAiError as error:
            self.settings.secret.hide_in(error)  # the decoded texts too, which may have been escaped twice
            raise

    def _check_identity(self, job_id: str, answer: object, where: str) -> None:
        """Checks that an answer isn't about another job, as that of a cache may be.

        The results of another job would be taken for this one's, and this job deleted. Only ids of the service's form,
        and those that this client created, identify jobs; anything else may be another name of the same job.
        """
        found = answer.id if isinstance(answer, Job | JobState) else job_id
        if found.strip().casefold() == job_id.strip().casefold():
            return
        if all(_UUID.fullmatch(each) or self.durations.workflow(each) for each in (found, job_id)):
            raise ResponseError(
                f"{where} was answered with another job, {self.settings.secret.hidden_in(found)!r:.100}: perhaps from a cache between the client and the"
                " service",
                field="id",
            )

    def _without_key(self, response: Response) -> Response:
        """The response with the key replaced, and its body in UTF-8."""
        hidden_in = self.settings.secret.hidden_in
        headers = {name: hidden_in(value) for name, value in response.headers.items()}
        body = response.body.decode(json.detect_encoding(response.body), "replace")
        return replace(response, headers=headers, body=hidden_in(body).encode())

    async def _ignore(self, stream: ResponseStream, where: str) -> None:
        """Reads the answer to an operation that succeeds by its status alone. The body may be lost."""
        from musicai_sdk._core.denials import denial  # here: only a delete needs it

        # The body only matters because it may show that something other than the service answered.
        body = await rest(stream)
        if (reason := denial(body, has_body=True)) is not None:
            said = self.settings.secret.hidden_in(body.decode("utf-8", "replace"))
            raise ResponseError(
                f"{where} answered {stream.status} {reason}, so the service may have done nothing",
                body=without_queries(said),
            )

    def policy(self, options: RequestOptions, *, repeatable: bool = True) -> Policy:
        """The retry policy of one call. Checks the call's options before anything is sent."""
        check_options(options)
        return Policy(options.get("max_retries", self.settings.max_retries), self.budget, repeatable)

    def timeout(self, options: RequestOptions) -> float | None:
        """Seconds for one exchange with the API, and for the longest silence of a storage."""
        return options.get("request_timeout", self.settings.timeout)


def segment(job_id: object) -> str:
    """A job id, quoted as one path segment, so that an id such as `../application` can't leave `/job/`."""
    if isinstance(job_id, UUID):
        job_id = str(job_id)
    if not isinstance(job_id, str) or not job_id.strip():
        raise InputError(f"a job id must be a non-empty string, not {safe_repr(job_id)}")
    if is_file_url(job_id):
        raise InputError(
            f"a job id can't be the URL {without_query(job_id)!r:.200}: client.files.download(url, path) downloads one file"
        )
    # urllib doesn't quote dots, and HTTP libraries resolve "." and "..".
    try:
        return quote(job_id, safe="").replace(".", "%2E")
    except UnicodeEncodeError:
        raise InputError(f"{job_id!r} can't be a job id: it can't be encoded") from None


def encoded(payload: Mapping[str, Any]) -> bytes:
    """The payload as a request body; `InputError` names what JSON can't represent.

    Names of files are sent as they are on disk: a locale without UTF-8 escapes their bytes as surrogates.
    """
    try:
        text = json.dumps(payload, allow_nan=False, ensure_ascii=False)
        body = text.encode(errors="surrogateescape")
        return body if text.isascii() else body.decode(errors="replace").encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"JSON can't represent these params or metadata: {error}") from None


def _query(values: Query) -> str:
    """The query string. Lists become repeated keys (source: official reference); None values are left out."""
    parts = list[str]()
    try:
        for name, value in values.items():
            if value is not None:
                each = (value,) if isinstance(value, str | int) else value
                parts += (f"{name}={one if isinstance(one, int) else quote_plus(one)}" for one in each)
    except UnicodeEncodeError as error:
        raise InputError(f"{error.object!r:.100} can't be sent: it can't be encoded") from None
    except TypeError:
        raise InputError(
            f"{safe_repr(values):.200} can't be sent: pass texts, numbers or lists of them"
        ) from None
    return f"?{'&'.join(parts)}" if parts else ""
