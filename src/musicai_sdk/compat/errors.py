"""Errors of this package that are also the errors of `requests` that the 1.0 package raised, if it is installed.

The combined class is created when an error is raised. `requests` is imported only then, so a handler matches even if the
program imports `requests` later. Without `requests`, errors have the same texts and only this package's class.
"""

from __future__ import annotations

import builtins
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, TypeVar, cast

from musicai_sdk.errors import (
    ConfigurationError,
    ConnectionFailedError,
    CreateUncertainError,
    InputError,
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
    """Translates the errors of the block to those of the 1.0 package: its texts, and classes of `requests`.

    Args:
        what: The start of the text for an error status of the API.
        transfer: The start of the text for an error status of the storage.
    """
    try:
        yield
    except MusicAiError as error:
        text, names = _text(error, what, transfer), _counterparts(error)
        if text == str(error) and not names:
            raise
        translated = _translated(error, text, names).with_traceback(error.__traceback__)
        if text != str(error):
            translated.add_note(str(error))
        raise translated from error.__cause__


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
    """The names of the classes that the 1.0 package raised in this case: of `requests`, or built-in ones."""
    match error:
        case RequestTimeoutError():
            return ("ReadTimeout" if error.sent else "ConnectTimeout",)
        case ConnectionFailedError():
            text = str(error)
            return next((names for part, names in _BROKEN if part in text), ("ConnectionError",))
        case (
            StatusError(status=301 | 302 | 303 | 307 | 308)
            | TransferError(status=301 | 302 | 303 | 307 | 308)
        ):
            return ("TooManyRedirects", "HTTPError")
        case StatusError() | JobFailedError() | JobNotFinishedError() | TransferError(status=int()):
            return ("HTTPError",)
        case ResponseError():
            return ("JSONDecodeError" if error.field is None else "InvalidJSONError",)
        case IntegrityError():
            decoding = ("ContentDecodingError",) if "can't be decoded" in str(error) else ()
            return (*decoding, "ChunkedEncodingError", "ConnectionError")
        case TransferError(__cause__=OSError() as cause) if not isinstance(error, OSError):
            # An error of the file system.
            return (next(kind.__name__ for kind in type(cause).__mro__ if kind.__module__ == "builtins"),)
        case InputError():
            # 1.0 let `requests` or the service refuse these.
            text = str(error)
            return next((names for start, names in _REFUSED if text.startswith(start)), ("HTTPError",))
        case ConfigurationError():
            return ("InvalidProxyURL" if "proxy" in str(error).lower() else "RequestException",)
        case TransferError():
            return ("RequestException",)
        case CreateUncertainError():
            return _counterparts(error.__cause__) or ("RequestException",)
        case _:
            return ()


_BROKEN = (
    *((part, ("SSLError",)) for part in ("[SSL", "_ssl.c", "certificate verify failed")),
    (" through the proxy ", ("ProxyError",)),
    ("can't be decoded", ("ContentDecodingError", "ConnectionError")),
    ("message body", ("ChunkedEncodingError", "ConnectionError")),
    ("chunk", ("ChunkedEncodingError", "ConnectionError")),
)
"""The classes of broken exchanges, by a part of the text."""
_REFUSED = (
    ("can't download", ("MissingSchema", "InvalidSchema", "InvalidURL")),
    ("JSON can't represent", ("InvalidJSONError",)),
)
"""The classes of refused arguments, by the start of the text."""


def _translated(error: E, text: str, names: tuple[str, ...]) -> E:
    translated = _rebuild(type(error), (text,), error.__dict__, names)
    raised: object = translated
    if isinstance(raised, OSError) and isinstance(error.__cause__, OSError):
        raised.errno = error.__cause__.errno
    return translated


def _rebuild(kind: type[E], args: tuple[Any, ...], state: dict[str, Any], names: tuple[str, ...]) -> E:
    """An error of the combined class, made without its constructor."""
    both: type[E] = _combined_class(cast("Any", kind), names)
    # Of several built-in bases, `OSError` determines the layout.
    new: Any = OSError.__new__ if OSError in both.__mro__ else both.__new__
    error: E = new(both, *args)
    error.args = args
    error.__dict__.update(state)
    return error


@cache
def _combined_class(kind: type[Any], names: tuple[str, ...]) -> type[Any]:
    """A class that inherits from an error of this package and from the named ones."""
    found = [theirs for name in names if (theirs := _find_class(name)) is not None]
    if not found:
        return kind

    def reduce(error: MusicAiError) -> tuple[Any, ...]:
        return _rebuild, (kind, error.args, dict(error.__dict__), names)

    members = {
        "__module__": __name__,
        "__doc__": f"`musicai_sdk.errors.{kind.__name__}`, and {' and '.join(names)} as in 1.0.",
        "__reduce__": reduce,
        # Attributes that the constructors in `requests` set. The 1.0 package passed no response either.
        "request": None,
        "response": None,
        # Likewise for the JSON error.
        "msg": "",
        "doc": "",
        "pos": 0,
        "lineno": 1,
        "colno": 1,
    }
    return type(kind.__name__, (kind, *found), members)


def _find_class(name: str) -> type[Exception] | None:
    """A class of `requests`, or a built-in one; None if `requests` is missing or too old."""
    if name in _BUILT_IN:
        return cast("type[Exception]", getattr(builtins, name))
    try:
        module = import_module("requests.exceptions")
    except Exception:  # noqa: BLE001 - a broken installation must not hide the original error
        return None
    found: type[Exception] | None = getattr(module, name, None)
    return found


_BUILT_IN = frozenset(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, OSError) and not issubclass(kind, ConnectionError)
)
"""Without connection errors: `ConnectionError` means the class of `requests`."""
