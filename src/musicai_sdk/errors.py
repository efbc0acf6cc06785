"""Every error of the package, in one tree.

```
MusicAiError
├─ ConfigurationError          no key, a malformed key or URL (also ValueError)
├─ InputError                  an argument that can't be right; nothing was sent (also ValueError)
├─ ConnectionFailedError       no answer; .sent says whether the server may have seen the request (also ConnectionError)
│   └─ RequestTimeoutError     (also TimeoutError)
├─ StatusError                 the service said no: .status .code .message .body .request_id .attempts
│   BadRequestError 400 · AuthenticationError 401 · PermissionDeniedError 403 · NotFoundError 404
│   UnprocessableError 422 · RateLimitError 429 (.retry_after) · ServerError 5xx
├─ ResponseError               the answer doesn't parse or doesn't fit; .field .body
├─ TransferError               an upload or a download failed; .url (without its query) .status
│   ├─ SourceNotFoundError     the file to upload doesn't exist (also FileNotFoundError)
│   └─ IntegrityError          wrong size or digest
├─ CreateTimeoutError          the time was over before the job was created: nothing is paid (also TimeoutError)
└─ JobError                    .job_id
    ├─ JobFailedError          .code .title .message .job
    ├─ JobNotFinishedError     results asked of a job that hasn't succeeded yet; .status
    ├─ WaitTimeoutError        the job goes on (also TimeoutError)
    └─ CreateUncertainError    .idempotency_key; the job may or may not exist
```

They hold plain data only, never a key and never a signed URL, and they all pickle. `musicai_sdk.batch` has a few of its
own below `MusicAiError`, and `musicai_sdk.storage` below `TransferError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

if TYPE_CHECKING:
    from musicai_sdk.models.job import Job


class MusicAiError(Exception):
    """The base of every error of this package."""

    def __init__(self, text: str) -> None:
        from musicai_sdk._text import printable  # this module loads nothing else of the package

        super().__init__(printable(text))

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, dict(self.__dict__))


def _restore(kind: type[MusicAiError], args: tuple[Any, ...], state: dict[str, Any]) -> MusicAiError:
    """Rebuilds a pickled error without its constructor, whose arguments differ from class to class."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(MusicAiError, ValueError):
    """The client can't be built or used as configured: no key, a malformed key, a malformed base URL."""


class InputError(MusicAiError, ValueError):
    """An argument can't be right; the text names it. Nothing was sent and nothing was paid for."""


class ConnectionFailedError(MusicAiError, ConnectionError):
    """No complete answer came back."""

    sent: bool
    """Whether the server may have seen the request. False only when it certainly hasn't."""
    attempts: int
    """How often it was tried."""
    channel: Literal["api", "storage"] | None
    """Where the request was to go: to the API, or to a storage that inputs are uploaded to or outputs come from, each
    of which may be another host. None when it was neither."""

    def __init__(
        self,
        text: str,
        *,
        sent: bool,
        attempts: int = 1,
        channel: Literal["api", "storage"] | None = None,
    ) -> None:
        super().__init__(text)
        self.sent = sent
        self.attempts = attempts
        self.channel = channel


class RequestTimeoutError(ConnectionFailedError, TimeoutError):
    """One HTTP exchange took longer than its timeout."""


class StatusError(MusicAiError):
    """The service answered with an error status."""

    status: int
    """The HTTP status."""
    code: str | None
    """The service's own error code, when the body had one."""
    message: str
    """The service's own words, or the status text when the body had none."""
    body: str
    """The answer's body as text, cut at 10,000 characters."""
    request_id: str | None
    """The request id that the service's support can look up, when the answer had one."""
    retry_after: float | None = None
    """How long the service asked to wait, in seconds, when it said so (429 and 503)."""
    attempts: int
    """How often it was tried."""

    def __init__(
        self,
        text: str,
        *,
        status: int,
        message: str,
        code: str | None = None,
        body: str = "",
        request_id: str | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.message = message
        self.body = body
        self.request_id = request_id
        self.attempts = attempts


class BadRequestError(StatusError):
    """400: the request doesn't have the form that the service expects."""


class AuthenticationError(StatusError):
    """401: the key is missing, wrong, or its application was deleted."""


class PermissionDeniedError(StatusError):
    """403: the key may not do this."""


class NotFoundError(StatusError):
    """404: no such job or workflow for this key's application."""


class UnprocessableError(StatusError):
    """422: well-formed, but the service can't process it."""


class RateLimitError(StatusError):
    """429: too many requests; `retry_after` says how many seconds to wait, when the service said so."""


class ServerError(StatusError):
    """5xx: the service failed."""


STATUS_ERRORS: dict[int, type[StatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: UnprocessableError,
    429: RateLimitError,
}
"""The class that each status raises; 5xx raises `ServerError`, everything else `StatusError`."""


class ResponseError(MusicAiError):
    """The service answered, but not with what the client understands."""

    field: str | None
    """The path of the first field that doesn't fit, such as `createdAt` or `3.status`; None when it isn't JSON."""
    body: str
    """What was received, as text."""

    def __init__(self, text: str, *, field: str | None = None, body: str = "") -> None:
        super().__init__(text)
        self.field = field
        self.body = body


class TransferError(MusicAiError):
    """An upload or a download failed. Nothing was left under the final name."""

    url: str | None
    """Where to or where from, without the query (in which the signature stands)."""
    status: int | None
    """The storage's HTTP status, when it answered."""

    def __init__(self, text: str, *, url: str | None = None, status: int | None = None) -> None:
        super().__init__(text)
        self.url = url
        self.status = status


class SourceNotFoundError(TransferError, FileNotFoundError):
    """The file to upload doesn't exist."""


class IntegrityError(TransferError):
    """What arrived has the wrong size or digest."""


class JobError(MusicAiError):
    """Something about one job."""

    job_id: str
    """The job's id; empty when it isn't known."""

    def __init__(self, text: str, *, job_id: str) -> None:
        super().__init__(text)
        self.job_id = job_id


class JobFailedError(JobError):
    """The job ended as FAILED."""

    code: str
    """The service's error code, an open set: `BAD_INPUT`, `TIMEOUT`, `INTERNAL_ERROR`, …; empty when it gave none."""
    title: str
    """The service's short description; empty when it gave none."""
    message: str
    """The service's longer description; empty when it gave none."""
    job: Job[Any]
    """The failed job."""

    def __init__(self, text: str, *, job: Job[Any]) -> None:
        from musicai_sdk._text import printable, without_queries

        super().__init__(without_queries(text), job_id=job.id)
        self.job = job
        reason = job.failure
        self.code = printable(reason.code or "")
        self.title = printable(without_queries(reason.title or ""))
        self.message = printable(without_queries(reason.message or ""))


class JobNotFinishedError(JobError):
    """Results were asked of a job that hasn't succeeded yet."""

    status: str
    """The job's status at that time."""

    def __init__(self, text: str, *, job_id: str, status: str) -> None:
        super().__init__(text, job_id=job_id)
        self.status = status


class WaitTimeoutError(JobError, TimeoutError):
    """The deadline of a wait passed. The job goes on: `client.jobs.wait(error.job_id)` picks it up again."""

    status: str | None
    """The last status seen; None when not even one poll succeeded."""

    def __init__(self, text: str, *, job_id: str, status: str | None) -> None:
        super().__init__(text, job_id=job_id)
        self.status = status


class CreateTimeoutError(MusicAiError, TimeoutError):
    """The time of a `run` was over before its job was created: no job exists, and nothing is charged."""


class CreateUncertainError(JobError):
    """The answer to a create was lost: the job may exist and be paid for, or not. It was not sent again."""

    idempotency_key: str
    """The token in the job's metadata; `client.jobs.find(error.idempotency_key)` looks for the job."""

    def __init__(self, text: str, *, idempotency_key: str) -> None:
        super().__init__(text, job_id="")
        self.idempotency_key = idempotency_key
