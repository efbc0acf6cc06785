"""What becomes of a track when a step raises."""

from __future__ import annotations

import errno
import os
import random
from typing import Any

from musicai_sdk import _files
from musicai_sdk._text import without_queries
from musicai_sdk.batch.events import storable
from musicai_sdk.batch.ledger.states import FETCHABLE, OPEN, State
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    CreateUncertainError,
    JobError,
    JobFailedError,
    MusicAiError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ResponseError,
    ResultMissingError,
    ServerError,
    SourceNotFoundError,
    StatusError,
    TransferError,
    WaitTimeoutError,
)

FATAL = (AuthenticationError, ConfigurationError, PermissionDeniedError)
"""Errors that every other track would meet too: they end the run."""

JOB_GONE = "JOB_GONE"
"""The code of a job that the service says doesn't exist any more."""
SOURCE_GONE = SourceNotFoundError.__name__
"""The code of a file that wasn't there when it was to be uploaded."""
_NO_FILES_TEXTS = (os.strerror(errno.EMFILE), os.strerror(errno.ENFILE))
_LONGEST_PAUSE = 60.0


def transient(error: BaseException) -> bool:
    """Whether the step may succeed a while later, beyond what the client has tried already."""
    if isinstance(error, SourceNotFoundError):
        return False
    return strange(error) or isinstance(
        error, ConnectionFailedError | RateLimitError | ServerError | TransferError
    )


def short_of_files(error: BaseException | None) -> bool:
    """Whether this process, or the machine, had no file descriptor left: no track's fault, and it passes.

    The client's errors have only the system's text left of that, at their end.
    """
    met = set[int]()
    while error is not None and id(error) not in met:
        met.add(id(error))
        if _files.none_left(error):
            return True
        if not isinstance(error, JobError | StatusError) and str(error).endswith(_NO_FILES_TEXTS):
            return True
        error = error.__cause__ or error.__context__
    return False


def strange(error: BaseException) -> bool:
    """Whether something else seems to answer at the API's address: a page for a maintenance or a login, or a way there."""
    redirected = isinstance(error, StatusError) and 300 <= error.status < 400
    return redirected or isinstance(error, ResponseError)


def pause(tries: int) -> float:
    """Seconds until the next try: the client's own retries are over by then, so this is for longer troubles."""
    return min(_LONGEST_PAUSE, 2.0**tries) * random.uniform(0.5, 1)  # noqa: S311 - jitter


def described(error: BaseException) -> tuple[str, str]:
    """Code and message: the service's where it gave some, else the error's name and text.

    As they are stored and told everywhere: without signatures, and without what no database takes.
    """
    code, message = _described(error)
    return storable(code), storable(without_queries(message))


def _described(error: BaseException) -> tuple[str, str]:
    if isinstance(error, JobFailedError):
        return error.code or "FAILED", ": ".join(
            part for part in (error.title, error.message) if part
        ) or str(error)
    if isinstance(error, NotFoundError):
        return JOB_GONE, f"the job doesn't exist any more: {error}"
    if isinstance(error, StatusError):
        return error.code or f"HTTP_{error.status}", str(error)
    if isinstance(error, WaitTimeoutError):
        return "WAIT_TIMEOUT", "the job hasn't ended in time; it goes on, and the next run waits for it again"
    if isinstance(error, ResultMissingError):
        return "OUTPUT_MISSING" if error.outputs else "RESULT_MISSING", str(error)
    if isinstance(error, MusicAiError):
        return type(error).__name__, str(error)
    return type(error).__name__, str(error) or repr(error)


def after_failure(track: Track, error: BaseException) -> tuple[State, dict[str, Any]]:
    """The state and columns of a track that isn't tried again, and where a retry goes on."""
    if track.state in OPEN or isinstance(error, CreateUncertainError):
        # Whatever this was, a POST may have been received before.
        return "uncertain", {}
    start: State = "uploaded" if track.is_url else "seen"
    if isinstance(error, JobFailedError | NotFoundError):
        # That job can't give results any more: a retry is a new one, under a token of its own.
        return "failed", {"resume_at": start, "idempotency_key": None}
    # A job that is paid for is never given up for a new one.
    return "failed", {"resume_at": track.state if track.state in FETCHABLE else start}
