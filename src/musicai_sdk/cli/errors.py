"""Errors on the command line: their messages and exit codes."""

from __future__ import annotations

import errno
import json
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
_LONGEST_NAME = 200
"""The most characters of a path in a message."""


class Hint(str):
    """A note on an error (`add_note`) for users of the command: what to type next."""

    __slots__ = ()


class Terminated(KeyboardInterrupt):
    """SIGTERM, as `docker stop` and systemd send it, in a command that stops at once."""


def visible(text: str, *, keep: str = "\n") -> str:
    """Text with its control characters escaped as in JSON: a job's name must not control the terminal.

    JSON keeps its meaning.

    Args:
        text: The text.
        keep: Characters that stay as they are. None in a cell of a table, where a line break would forge a row.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else json.dumps(each)[1:-1] for each in text)


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
    elif isinstance(error, UnicodeEncodeError):  # a path; streams escape what they can't encode
        text, code = _not_encodable(error), 2
    else:
        raise error
    hints = [note for note in getattr(error, "__notes__", ()) if isinstance(note, Hint)]
    if as_json:
        value = {"error": type(error).__name__, "message": text} | ({"hints": hints} if hints else {})
        click.echo(visible(json_text(value, sys.stderr)), err=True)
    else:
        click.echo(visible("\n".join([f"musicai: {text}", *(f"  {hint}" for hint in hints)])), err=True)
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


def _not_encodable(error: UnicodeEncodeError) -> str:
    name = error.object if len(error.object) <= _LONGEST_NAME else f"{error.object[:_LONGEST_NAME]}…"
    return (
        f"the encoding of file names here, {sys.getfilesystemencoding()}, has no {error.object[error.start]!a} for"
        f" {name!a}: set PYTHONUTF8=1, or a UTF-8 locale such as LC_ALL=C.UTF-8"
    )


def _os_error(error: OSError) -> str:
    from musicai_sdk.batch.progress.formatting import printable

    name: object = cast("object", error.filename)
    prefix = f"{name!r}: " if isinstance(name, str) else ""
    return printable(f"{prefix}{error.strerror or error}")
