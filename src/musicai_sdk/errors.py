"""Every error of the package, in one tree.

```
MusicAiError
├─ ConfigurationError          no key, a malformed key or URL (also ValueError)
├─ InputError                  an invalid argument; nothing was sent (also ValueError)
├─ ConnectionFailedError       no answer; .sent: whether the server may have seen the request (also ConnectionError)
│   └─ RequestTimeoutError     (also TimeoutError)
├─ StatusError                 an error status: .status .code .message .body .request_id .attempts
│   BadRequestError 400 · AuthenticationError 401 · PermissionDeniedError 403 · NotFoundError 404
│   UnprocessableError 422 · RateLimitError 429 (.retry_after) · ServerError 5xx
├─ ResponseError               the answer isn't valid JSON or has another form; .field .body
├─ TransferError               an upload or a download failed; .url (without its query) .status
│   ├─ SourceNotFoundError     the file to upload doesn't exist (also FileNotFoundError)
│   ├─ IntegrityError          wrong size or digest, or not the file, such as a web page
│   └─ ResultMissingError      the job succeeded, but its result or a part of it is missing; .job_id .outputs
├─ CreateTimeoutError          the time was up before the job was created: nothing is paid (also TimeoutError)
└─ JobError                    .job_id
    ├─ JobFailedError          .code .title .message .job
    ├─ JobNotFinishedError     the job has no results yet; .status
    ├─ WaitTimeoutError        the job continues (also TimeoutError)
    └─ CreateUncertainError    the job may or may not exist; .idempotency_key
```

Errors hold plain data only, never a key or a signed URL, and all of them pickle. `musicai_sdk.batch` derives its own
errors from `MusicAiError`, and `musicai_sdk.storage` from `TransferError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

if TYPE_CHECKING:
    from musicai_sdk.models.job import Job


class MusicAiError(Exception):
    """The base of every error of this package."""

    def __init__(self, text: str) -> None:
        # Here, because importing this module must load nothing else of the package.
        from musicai_sdk._text import printable

        super().__init__(printable(text))

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, dict(self.__dict__))


def _restore(kind: type[MusicAiError], args: tuple[Any, ...], state: dict[str, Any]) -> MusicAiError:
    """Rebuilds a pickled error without calling its constructor, whose arguments differ from class to class."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(MusicAiError, ValueError):
    """The client can't be built or used as configured: no key, a malformed key, a malformed base URL."""


class InputError(MusicAiError, ValueError):
    """An argument is invalid; the text names it. Nothing was sent and nothing was paid."""


class ConnectionFailedError(MusicAiError, ConnectionError):
    """The request got no complete answer."""

    sent: bool
    """Whether the server may have received the request. False only if it certainly hasn't."""
    attempts: int
    """The number of attempts."""
    channel: Literal["api", "storage"] | None
    """The receiver of the request: the API, or a storage for inputs and outputs, which may be another host. None if the
    error belongs to neither."""

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
    """The service's error code, if the body had one."""
    message: str
    """The service's message, or the status text if the body had none."""
    body: str
    """The body as text, cut at 10,000 characters."""
    request_id: str | None
    """The request id, which the service's support can look up, if the answer had one."""
    retry_after: float | None = None
    """Seconds to wait before a retry, if the service sent `Retry-After` (429 and 503)."""
    attempts: int
    """The number of attempts."""
    names_job: bool = False
    """Whether the body has the id of a job, so that the service may have created it nevertheless."""

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
    """400: the service rejects the form of the request."""


class AuthenticationError(StatusError):
    """401: the key is missing or wrong, or its application was deleted."""


class PermissionDeniedError(StatusError):
    """403: the key doesn't permit this."""


class NotFoundError(StatusError):
    """404: no such job or workflow for this key's application."""


class UnprocessableError(StatusError):
    """422: the request is well-formed, but the service can't process it."""


class RateLimitError(StatusError):
    """429: too many requests; `retry_after` has the seconds to wait, if the service named them."""


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
"""The error class of each status; 5xx raises `ServerError`, everything else `StatusError`."""


class ResponseError(MusicAiError):
    """The client can't read the service's answer."""

    field: str | None
    """The path of the first field that doesn't fit, such as `createdAt` or `3.status`; None if the body isn't JSON."""
    body: str
    """The body as text, cut at 10,000 characters."""

    def __init__(self, text: str, *, field: str | None = None, body: str = "") -> None:
        super().__init__(text)
        self.field = field
        self.body = body


class TransferError(MusicAiError):
    """An upload or a download failed. The target file is unchanged."""

    url: str | None
    """The URL without its query, because the query may contain a signature."""
    status: int | None
    """The storage's HTTP status, if it answered."""

    def __init__(self, text: str, *, url: str | None = None, status: int | None = None) -> None:
        super().__init__(text)
        self.url = url
        self.status = status


class SourceNotFoundError(TransferError, FileNotFoundError):
    """The file to upload doesn't exist."""


class IntegrityError(TransferError):
    """The received data has the wrong size or digest, or isn't the expected file but, for example, a web page."""


class ResultMissingError(TransferError):
    """A job succeeded, but its result or a part of it is missing. Keep the job, because you paid for it."""

    job_id: str
    """The job's id."""
    outputs: tuple[str, ...]
    """The outputs that are missing or can't be fetched; empty if there is no result at all."""

    def __init__(self, text: str, *, job_id: str, outputs: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.job_id = job_id
        self.outputs = outputs


class JobError(MusicAiError):
    """The base of errors about one job."""

    job_id: str
    """The job's id; empty if unknown."""

    def __init__(self, text: str, *, job_id: str) -> None:
        super().__init__(text)
        self.job_id = job_id


class JobFailedError(JobError):
    """The job ended as FAILED."""

    code: str
    """The service's error code, an open set: `BAD_INPUT`, `TIMEOUT`, `INTERNAL_ERROR`, …; empty if the service sent
    none."""
    title: str
    """The service's short description; empty if the service sent none."""
    message: str
    """The service's longer description; empty if the service sent none."""
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
    """The job has no results, because it hasn't succeeded yet."""

    status: str
    """The job's status."""

    def __init__(self, text: str, *, job_id: str, status: str) -> None:
        super().__init__(text, job_id=job_id)
        self.status = status


class WaitTimeoutError(JobError, TimeoutError):
    """A wait reached its timeout. The job continues: `client.jobs.wait(error.job_id)` waits again."""

    status: str | None
    """The last status seen; None if no poll succeeded."""

    def __init__(self, text: str, *, job_id: str, status: str | None) -> None:
        super().__init__(text, job_id=job_id)
        self.status = status


class CreateTimeoutError(MusicAiError, TimeoutError):
    """A `run` reached its timeout before it created the job: no job exists, and nothing is charged."""


class CreateUncertainError(JobError):
    """The answer to a create was lost. The job may exist and cost money. The request was not sent again."""

    idempotency_key: str
    """The key in the job's metadata; `client.jobs.find(error.idempotency_key)` searches for the job."""

    def __init__(self, text: str, *, idempotency_key: str) -> None:
        super().__init__(text, job_id="")
        self.idempotency_key = idempotency_key
