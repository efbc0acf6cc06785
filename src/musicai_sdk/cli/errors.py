"""Errors on the command line: their messages and exit codes."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, cast

import click

from musicai_sdk._platform import json_text

if TYPE_CHECKING:
    from musicai_sdk.errors import MusicAiError

INTERRUPTED = 130
"""The exit code after Ctrl-C, by the shell's convention: 128 plus the signal's number."""
LIMIT_REACHED = 6
"""The exit code of a run that left inputs waiting because of `--max-jobs`, `--max-minutes` or `--max-cost`."""


class Hint(str):
    """A note on an error (`add_note`) for users of the command: what to type next."""

    __slots__ = ()


class Terminated(KeyboardInterrupt):
    """SIGTERM, as `docker stop` and systemd send it, in a command that stops at once."""


def report_error(error: BaseException, key_origin: str | None, *, as_json: bool) -> int:
    """Writes an error to standard error, without a traceback.

    Args:
        error: The error that ended the command.
        key_origin: The origin of the key, in words, if it was found.
        as_json: Whether to write JSON.

    Returns:
        The exit code.

    Raises:
        BaseException: the error itself, if the command doesn't know it: a bug needs its traceback.
    """
    from musicai_sdk.errors import MusicAiError

    if isinstance(error, KeyboardInterrupt):
        text, code = ("terminated", 143) if isinstance(error, Terminated) else ("interrupted", INTERRUPTED)
    elif isinstance(error, MusicAiError):
        text, code = _for_the_command(error, key_origin), exit_code(error)
    elif isinstance(error, OSError) and error.errno != errno.EPIPE:  # click exits quietly after EPIPE
        text, code = _os_error(error), 1
    else:
        raise error
    hints = [note for note in getattr(error, "__notes__", ()) if isinstance(note, Hint)]
    if as_json:
        value = {"error": type(error).__name__, "message": text} | ({"hints": hints} if hints else {})
        click.echo(json_text(value, sys.stderr), err=True)
    else:
        click.echo("\n".join([f"musicai: {text}", *(f"  {hint}" for hint in hints)]), err=True)
    return code


def exit_code(error: MusicAiError) -> int:
    """The exit code for an error; the docstring of `musicai_sdk.cli` has the table."""
    from musicai_sdk import errors
    from musicai_sdk.batch import LedgerError, ShardsFailedError

    match error:
        case errors.ConfigurationError() | errors.AuthenticationError() | errors.PermissionDeniedError():
            return 3
        case errors.InputError() | LedgerError():
            return 2
        case errors.NotFoundError():
            return 4
        case (
            errors.ConnectionFailedError()
            | errors.RateLimitError()
            | errors.ServerError()
            | errors.WaitTimeoutError()
            | ShardsFailedError()
        ):
            return 5
        case _:
            return 1


def _for_the_command(error: MusicAiError, key_origin: str | None) -> str:
    """The text of an error without advice that only makes sense in Python."""
    from musicai_sdk.errors import WaitTimeoutError

    if isinstance(error, WaitTimeoutError):
        status = error.status or "in an unknown state"
        return f"timed out: job {error.job_id} is still {status}; it continues and will be charged"
    text = str(error).replace(", or pass allow_http=True", "")
    return text.replace("the argument api_key", key_origin) if key_origin else text


def _os_error(error: OSError) -> str:
    from musicai_sdk.batch.progress.formatting import printable

    name: object = cast("object", error.filename)
    prefix = f"{name!r}: " if isinstance(name, str) else ""
    return printable(f"{prefix}{error.strerror or error}")
