"""What an error says on the command line, and what the exit code says of it."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, cast

import click

from musicai_sdk._platform import json_text

if TYPE_CHECKING:
    from musicai_sdk.errors import MusicAiError

INTERRUPTED = 130
"""The exit code after Ctrl-C, as the shell has it: 128 and the signal's number."""
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
"""What the HTTP library reads when a connection is made."""


class Hint(str):
    """A note on an error (`add_note`) that is written for this command: what to type next."""

    __slots__ = ()


class Terminated(KeyboardInterrupt):
    """SIGTERM, as `docker stop` and systemd send it, in a command that stops where it is."""


def tell(error: BaseException, key_origin: str | None, *, as_json: bool) -> int:
    """Writes an error on standard error, without a traceback.

    Args:
        error: What ended the command.
        key_origin: Where the key came from, in words, if it wasn't the environment.
        as_json: Whether for a program.

    Returns:
        The exit code.

    Raises:
        BaseException: the error itself, if it is none that the command knows: a bug needs its traceback.
    """
    from musicai_sdk.cli.formatting import printable
    from musicai_sdk.errors import MusicAiError

    if isinstance(error, KeyboardInterrupt):
        text, code = ("terminated", 143) if isinstance(error, Terminated) else ("interrupted", INTERRUPTED)
    elif isinstance(error, MusicAiError):
        text, code = _in_our_words(error, key_origin), exit_code(error)
    elif (
        isinstance(error, OSError) and error.errno != errno.EPIPE
    ):  # click ends quietly when its reader is gone
        text, code = _of_the_machine(error), 1
    elif (named := _network_settings(error)) is not None:
        text, code = printable(named), 3
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
    """What the exit code says of an error; the package's docstring has the table."""
    from musicai_sdk import errors
    from musicai_sdk.batch import LedgerError, ShardsFailedError

    codes: list[tuple[type[MusicAiError] | tuple[type[MusicAiError], ...], int]] = [
        ((errors.ConfigurationError, errors.AuthenticationError, errors.PermissionDeniedError), 3),
        ((errors.InputError, LedgerError), 2),
        (errors.NotFoundError, 4),
        (
            (
                errors.ConnectionFailedError,
                errors.RateLimitError,
                errors.ServerError,
                errors.WaitTimeoutError,
                ShardsFailedError,
            ),
            5,
        ),
    ]
    return next((code for kinds, code in codes if isinstance(error, kinds)), 1)


def _in_our_words(error: MusicAiError, key_origin: str | None) -> str:
    """The package speaks to who writes Python: what is typed there isn't what is typed here."""
    from musicai_sdk.errors import WaitTimeoutError

    if isinstance(error, WaitTimeoutError):
        status = error.status or "in an unknown state"
        return f"job {error.job_id} is still {status}: the time is over, the job goes on and will be charged"
    text = str(error).replace(", or pass allow_http=True", "")
    return text.replace("the argument api_key", key_origin) if key_origin else text


def _of_the_machine(error: OSError) -> str:
    from musicai_sdk.cli.formatting import printable

    name: object = cast("object", error.filename)
    place = f"{name!r}: " if isinstance(name, str) else ""
    why = printable(f"{place}{error.strerror or error}")
    # A TLS error has no file's name; what it is about stands in the environment.
    variables = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
    about_tls = type(error).__module__ == "ssl" or name in [os.environ[name] for name in variables]
    return f"{why} (look at {' and '.join(variables)})" if variables and about_tls else why


def _network_settings(error: BaseException) -> str | None:
    """What is wrong with a proxy, which only shows when a connection is made; None of every other error."""
    missing = isinstance(error, ImportError) and "socksio" in str(error)
    if not missing and not (
        type(error).__module__.startswith("httpx") and type(error).__name__ == "InvalidURL"
    ):
        return None
    names = [name for name in _PROXIES if os.environ.get(name)]
    why = 'a SOCKS proxy needs: pip install "httpx[socks]"' if missing else f"{error}"
    return f"{' or '.join(names) or 'a proxy'} can't be used: {why}"
