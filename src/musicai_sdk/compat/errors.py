"""Errors that are this package's and, if `requests` is installed, also the ones that the 1.0 package raised.

A class for both is made when an error is raised. Only then is `requests` imported, so that a handler matches whenever the
program imports it; without `requests` the errors have the same texts and are this package's alone.
"""

from __future__ import annotations

import builtins
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, TypeVar, cast

from musicai_sdk.errors import (
    ConnectionFailedError,
    CreateUncertainError,
    IntegrityError,
    JobFailedError,
    JobNotFinishedError,
    MusicAiError,
    RequestTimeoutError,
    ResponseError,
    StatusError,
    TransferError,
)

E = TypeVar("E", bound=MusicAiError)


@contextmanager
def as_requests(what: str, *, transfer: str = "") -> Generator[None]:
    """Raises the errors of the block as the 1.0 package did: as errors of `requests`, and with its texts.

    Args:
        what: How the text of an error status of the API begins.
        transfer: How the text of an error status of the storage begins.
    """
    try:
        yield
    except MusicAiError as error:
        text, names = _text(error, what, transfer), _counterparts(error)
        if text == str(error) and not names:
            raise
        told = _told(error, text, names).with_traceback(error.__traceback__)
        if text != str(error):
            told.add_note(str(error))
        raise told from error.__cause__


def _text(error: MusicAiError, what: str, transfer: str) -> str:
    match error:
        case StatusError():
            return f"{what}: {error.status} {error.body or error.message}"
        case TransferError(status=int()):
            return f"{transfer}: {error.status} {error}"
        case JobNotFinishedError():
            return f"Can't download job results: Job '{error.job_id}' is not completed"
        case JobFailedError():
            return f"Can't download job results: Job '{error.job_id}' failed"
        case CreateUncertainError(__cause__=StatusError() as cause):
            return f"{_text(cause, what, transfer)}; {error}"
        case _:
            return str(error)


def _counterparts(error: BaseException | None) -> tuple[str, ...]:
    """The classes that the 1.0 package raised in such a case, by name: those of `requests`, and built-in ones."""
    match error:
        case RequestTimeoutError():
            return ("ReadTimeout" if error.sent else "ConnectTimeout",)
        case ConnectionFailedError():
            return ("SSLError" if "certificate verify failed" in str(error).lower() else "ConnectionError",)
        case StatusError() | JobFailedError() | JobNotFinishedError() | TransferError(status=int()):
            return ("HTTPError",)
        case ResponseError():
            return ("JSONDecodeError" if error.field is None else "InvalidJSONError",)
        case IntegrityError():
            return ("ChunkedEncodingError", "ConnectionError")
        case TransferError(__cause__=OSError() as cause) if not isinstance(error, OSError):
            # It is the file system's.
            return (next(kind.__name__ for kind in type(cause).__mro__ if kind.__module__ == "builtins"),)
        case CreateUncertainError():
            return _counterparts(error.__cause__) or ("RequestException",)
        case _:
            return ()


def _told(error: E, text: str, names: tuple[str, ...]) -> E:
    told = _made(type(error), (text,), error.__dict__, names)
    raised: object = told
    if isinstance(raised, OSError) and isinstance(error.__cause__, OSError):
        raised.errno = error.__cause__.errno
    return told


def _made(kind: type[E], args: tuple[Any, ...], state: dict[str, Any], names: tuple[str, ...]) -> E:
    """An error of that class which is of the named ones too, without its constructor."""
    both: type[E] = _class(cast("Any", kind), names)
    error = both.__new__(both, *args)
    error.args = args
    error.__dict__.update(state)
    return error


@cache
def _class(kind: type[Any], names: tuple[str, ...]) -> type[Any]:
    """The class for both."""
    found = [theirs for name in names if (theirs := _find(name)) is not None]
    if not found:
        return kind

    def reduce(error: MusicAiError) -> tuple[Any, ...]:
        return _made, (kind, error.args, dict(error.__dict__), names)

    members = {
        "__module__": __name__,
        "__doc__": f"`musicai_sdk.errors.{kind.__name__}`, and {' and '.join(names)} as in 1.0.",
        "__reduce__": reduce,
        # What the classes of `requests` set in their constructors. The 1.0 package gave no response either.
        "request": None,
        "response": None,
        # The same for the JSON error.
        "msg": "",
        "doc": "",
        "pos": 0,
        "lineno": 1,
        "colno": 1,
    }
    return type(kind.__name__, (kind, *found), members)


def _find(name: str) -> type[Exception] | None:
    """A class of `requests`, or a built-in one; None where there is no `requests`, or too old a one."""
    if name in _BUILT_IN:
        return cast("type[Exception]", getattr(builtins, name))
    try:
        module = import_module("requests.exceptions")
    except Exception:  # noqa: BLE001 - a broken installation must not hide the error that is to be raised
        return None
    found: type[Exception] | None = getattr(module, name, None)
    return found


_BUILT_IN = frozenset(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, OSError) and not issubclass(kind, ConnectionError)
)
"""Not the connection errors: `requests` has one of the same name, which is what is meant."""
