"""The answers of failed tool calls: a code, what happened, and what to do next."""

from __future__ import annotations

import logging
import traceback

from musicai_sdk._text import without_queries
from musicai_sdk.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    CreateUncertainError,
    InputError,
    JobFailedError,
    JobNotFinishedError,
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
)
from musicai_sdk.mcp.answers import ErrorAnswer, ErrorDetails

_logger = logging.getLogger("musicai_sdk.mcp")

AGAIN = "Repeat the same call later: a repeat never pays twice."


class ToolError(MusicAiError):
    """A failed tool call, as the agent sees it."""

    code: str
    """The kind of error, for programs: `outside_root`, `budget_used`, …"""
    advice: str
    """What to do next, in a sentence or two."""
    retryable: bool
    """Whether the same call may succeed later."""

    def __init__(self, code: str, text: str, advice: str, *, retryable: bool = False) -> None:
        super().__init__(without_queries(text))
        self.code = code
        self.advice = advice
        self.retryable = retryable


_ADVICE: tuple[tuple[type[Exception], str, str, bool], ...] = (
    (
        CreateUncertainError,
        "uncertain",
        f"A job may exist and cost money; nothing was sent again. {AGAIN}",
        True,
    ),
    (JobNotFinishedError, "job_not_finished", "Call get_job with wait_seconds until it has finished.", True),
    (
        JobFailedError,
        "job_failed",
        "It has no results. The failure says why; the same request isn't paid for again.",
        False,
    ),
    (
        ResultMissingError,
        "result_missing",
        "The job is paid for: don't delete it. Ask the user to contact the service.",
        False,
    ),
    (
        AuthenticationError,
        "wrong_key",
        "Ask the user to set MUSIC_AI_API_KEY in the configuration of this server and to restart it.",
        False,
    ),
    (PermissionDeniedError, "not_allowed", "The user's key may not do this: ask the user.", False),
    (NotFoundError, "not_found", "Check the id or the slug.", False),
    (RateLimitError, "busy", f"The service has too many requests. {AGAIN}", True),
    (ServerError, "service_failed", f"The service failed. {AGAIN}", True),
    (ConnectionFailedError, "unreachable", f"The service can't be reached. {AGAIN}", True),
    (SourceNotFoundError, "no_such_file", "Check the path.", False),
    (ResponseError, "unreadable", "Read another output, or download the results.", False),
    (TransferError, "transfer_failed", AGAIN, True),
    (StatusError, "refused", "Nothing was created. Correct the arguments.", False),
    (ConfigurationError, "misconfigured", "Ask the user to correct the configuration of this server.", False),
    (InputError, "bad_input", "Nothing was sent. Correct the arguments.", False),
    (MusicAiError, "failed", AGAIN, True),
    (OSError, "disk", "Ask the user to check the disk's free space and the permissions.", True),
)
"""The code, the advice and whether a repeat may succeed, for each error class. The first class that fits counts."""


def tool_error(error: Exception) -> ToolError:
    """Converts any error for the agent.

    For a bug, the agent sees only the exception's type. The traceback goes to standard error.
    """
    if isinstance(error, ToolError):
        return error
    for kind, code, advice, retryable in _ADVICE:
        if isinstance(error, kind):
            return ToolError(code, _words(error), advice, retryable=retryable)
    _logger.error("%s", without_queries("".join(traceback.format_exception(error))))
    text = f"the server has a bug: {type(error).__name__}; its standard error has more"
    return ToolError("internal", text, "Tell the user. Don't repeat the call.")


def _words(error: Exception) -> str:
    """The error's text. For an `OSError` only the system's text, because a path may be outside the allowed folders."""
    return str(error) if isinstance(error, MusicAiError) else f"{getattr(error, 'strerror', None) or error}"


def error_answer(error: ToolError) -> ErrorAnswer:
    """The error in the form of a tool's answer."""
    details = ErrorDetails(
        code=error.code, message=str(error), what_to_do=error.advice, retryable=error.retryable
    )
    return ErrorAnswer(error=details)
