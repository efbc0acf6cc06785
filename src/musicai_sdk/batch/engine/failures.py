"""Errors of steps: which errors end the run, which are temporary, and which state the track gets."""

from __future__ import annotations

import errno
import os
import random
from typing import Any

from musicai_sdk import _files
from musicai_sdk._text import without_queries
from musicai_sdk.batch.errors import JOB_GONE
from musicai_sdk.batch.ledger.states import FETCHABLE, OPEN, State
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.text import storable
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
"""Errors that every other track would get too. They end the run."""

_NO_FILES_TEXTS = (os.strerror(errno.EMFILE), os.strerror(errno.ENFILE))
_LONGEST_PAUSE = 60.0


class Draining(Exception):  # noqa: N818 - the run ends, nothing failed
    """The run is draining, so no further step begins."""


class RunFailed(Exception):  # noqa: N818 - carries the error
    """The run can't continue. The cause is the error that every other track would get too."""


class ResultsLost(Exception):  # noqa: N818 - the track stays as it is
    """The results of a finished track are missing, and the service no longer has its job."""


def transient(error: BaseException) -> bool:
    """Whether the step may succeed later, after the client's own retries."""
    if isinstance(error, SourceNotFoundError):
        return False
    return from_elsewhere(error) or isinstance(
        error, ConnectionFailedError | RateLimitError | ServerError | TransferError
    )


def from_elsewhere(error: BaseException) -> bool:
    """Whether something other than the API seems to have answered: a redirect, or a maintenance or login page."""
    redirected = isinstance(error, StatusError) and 300 <= error.status < 400
    return redirected or isinstance(error, ResponseError)


def short_of_files(error: BaseException | None) -> bool:
    """Whether this process or the machine had no file descriptor left. That is temporary, and not the track's failure.

    The client's errors keep only the system's text of that error, at their end.
    """
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if _files.none_left(error):
            return True
        if not isinstance(error, JobError | StatusError) and str(error).endswith(_NO_FILES_TEXTS):
            return True
        error = error.__cause__ or error.__context__
    return False


def pause(tries: int) -> float:
    """Seconds until the next try. The client's own retries have failed by then, so the pauses suit longer outages."""
    return min(_LONGEST_PAUSE, 2.0**tries) * random.uniform(0.5, 1)  # noqa: S311 - jitter


def describe(error: BaseException) -> tuple[str, str]:
    """The code and message of a failure, safe to show and store: the service's, or else the error's name and text."""
    code, message = _describe(error)
    return storable(code), storable(without_queries(message))


def _describe(error: BaseException) -> tuple[str, str]:
    name, text = type(error).__name__, str(error)
    if isinstance(error, JobFailedError):
        return error.code or "FAILED", ": ".join(
            part for part in (error.title, error.message) if part
        ) or text
    if isinstance(error, NotFoundError):
        return JOB_GONE, f"the job no longer exists: {text}"
    if isinstance(error, StatusError):
        return error.code or f"HTTP_{error.status}", text
    if isinstance(error, WaitTimeoutError):
        return "WAIT_TIMEOUT", "the job didn't end in time; it continues, and the next run waits for it again"
    if isinstance(error, ResultMissingError):
        return "OUTPUT_MISSING" if error.outputs else "RESULT_MISSING", text
    return name, text if isinstance(error, MusicAiError) else text or repr(error)


def after_failure(track: Track, error: BaseException) -> tuple[State, dict[str, Any]]:
    """The new state and columns of a track after its last try in this run, including where a later run continues it."""
    if track.state in OPEN or isinstance(error, CreateUncertainError):
        # Whatever failed now, the service may have received an earlier POST.
        return "uncertain", {}
    start: State = "uploaded" if track.is_url else "seen"
    if isinstance(error, JobFailedError | NotFoundError):
        # This job can't have results any more. A retry creates a new job, under a new key.
        return "failed", {"resume_at": start, "idempotency_key": None}
    # A failed step never discards a paid job.
    return "failed", {"resume_at": track.state if track.state in FETCHABLE else start}
