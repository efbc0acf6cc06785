"""The options of faults: one table for Python, the command line and the admin endpoint."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, cast

from annotated_types import Ge, Gt, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

# pydantic needs this one before Python 3.12.
from typing_extensions import TypedDict

JOB_ERRORS: Final[Mapping[str, tuple[str, str]]] = {
    "BAD_INPUT": ("Invalid input", "File not found."),
    "TIMEOUT": ("Timeout", "The job took too long."),
    "INTERNAL_ERROR": ("Internal error", "An unexpected error ended the job."),
}
"""Title and message by code (source: official clients for the first, a third party for the others)."""

JOB_OPTIONS: Final = ("job_seconds", "job_polls", "job_error", "job_vanish")
"""The options that affect the job that a request creates."""


@with_config(ConfigDict(arbitrary_types_allowed=True))
class FaultOptions(TypedDict, total=False):
    """When a fault applies, and what it is."""

    # When.
    nth: Annotated[int, Ge(1)]
    """The first matching request that gets the fault, counted from 1 since the fault was added."""
    times: Annotated[int, Ge(1)]
    """How many requests get it. By default one if `nth` is given, else all."""
    probability: Annotated[float, Gt(0), Le(1)]
    """The share of the matching requests that get it, drawn by the seed."""
    seed: int
    """The seed of this fault's draws; by default the sandbox's."""

    # The connection.
    delay: Annotated[float, Ge(0)]
    """How long to wait before everything else, in seconds of real time."""
    reset: Literal["before", "after"]
    """`before`: resets the connection without reading the request; `after`: acts on the request, and then resets the
    connection without an answer."""
    hang: Literal["before", "after"]
    """Never answers, and keeps the connection open; `after` acts on the request first."""
    refuse: Annotated[float, Gt(0)]
    """Resets the connection, and then refuses new ones, for this many seconds of real time."""

    # The answer.
    status: Annotated[int, Ge(200), Le(599)]
    """Answers with this status instead of acting, and with an error of the API unless there is a `body`."""
    headers: Mapping[str, str]
    """Headers of that answer; without `status`, `body` and `redirect`, headers that are added to the real answer."""
    body: bytes | str | Mapping[str, object] | Sequence[object]
    """Answers with this body instead of acting: text and bytes as they are, anything else as JSON."""
    retry_after: Annotated[int, Ge(0)]
    """A `Retry-After` header of this many seconds, with `status` (429 by default)."""
    retry_after_date: Annotated[int, Ge(0)]
    """The same as a date, this many seconds of real time after the answer."""
    redirect: str
    """Answers with 302 (or `status`) and this `Location`."""
    acted: Literal[True]
    """Acts on the request before the other options replace the answer, as a gateway that loses the real one."""
    truncate: Annotated[int, Ge(0)]
    """Sends only this many bytes of the body under its full Content-Length, and then closes the connection."""
    length: int
    """Declares a Content-Length that is wrong by this many bytes. If it is too small, the surplus is sent all the same.
    The connection is closed after the body."""
    garble: Literal["body", "head"]
    """`body`: changes about one byte in a hundred of the body, but not its length and hashes; `head`: sends something that
    isn't HTTP."""
    checksum: Literal["wrong"]
    """Sends the right body with the hashes of another one (`x-goog-hash`, `ETag`)."""
    compress: Literal["gzip", "deflate"]
    """Compresses the body, whether or not the request accepts that."""
    drip: Annotated[float, Gt(0)]
    """Sends the body at this many bytes a second of real time."""
    expire: Literal[True]
    """For signed URLs: all that were issued for this object expire; later ones are valid. With `truncate`, this request
    still gets the first bytes, as if the URL expired midway."""

    # The job that a `POST /job` creates.
    job_seconds: Annotated[float, Ge(0)]
    """It shows its outcome this many seconds after its start, on the sandbox's clock."""
    job_polls: Annotated[int, Ge(0)]
    """It shows its outcome after this many polls."""
    job_error: str
    """It ends as FAILED with this code, one of `JOB_ERRORS` or any other."""
    job_vanish: Literal["files", "result"]
    """It ends as SUCCEEDED, but its files are missing (404), or its result is null."""


_OPTIONS: TypeAdapter[FaultOptions] = TypeAdapter(FaultOptions)
_UNANSWERED = ("reset", "hang", "refuse")
"""The options that leave the request unanswered."""
REPLACEMENTS: Final = ("status", "body", "redirect", "retry_after", "retry_after_date")
"""The options that replace the real answer."""
_ANSWERS = (*REPLACEMENTS, "headers", "acted")
"""The options that replace the real answer or add to it."""
_DISTORTIONS = ("truncate", "length", "garble", "checksum", "compress", "drip", "expire")
"""The options that distort the answer on its way. `garble="head"` sends none, but something that isn't HTTP."""
CLOSING: Final = ("truncate", "length")
"""The distortions that close the connection before the declared end of the answer."""
GROUPS: Final = (_UNANSWERED, _ANSWERS, _DISTORTIONS, JOB_OPTIONS)
"""The options that say what happens, each in one group. `checked` decides which of them can be combined."""


def checked(route: str, options: FaultOptions) -> FaultOptions:
    """Returns the options in their types.

    Raises:
        ValueError: an option is invalid, alone or with another.
    """
    known = FaultOptions.__annotations__
    if unknown := sorted(options.keys() - known.keys()):
        raise ValueError(f"there is no option {unknown[0]}; the options are {', '.join(known)}")
    given = {name: value for name, value in options.items() if value is not None}
    try:
        options = _OPTIONS.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        raise ValueError(f"{where}: {first['msg']}") from None
    unanswered = [name for name in _UNANSWERED if name in options]
    rest = [name for name in (*_ANSWERS, *_DISTORTIONS, *JOB_OPTIONS) if name in options]
    if unanswered and (len(unanswered) > 1 or rest):
        raise ValueError(
            f"{unanswered[0]} leaves the request unanswered, so it can't be combined with {', '.join(unanswered[1:] + rest)}"
        )
    if any(name in options for name in JOB_OPTIONS) and (
        route.partition(" ")[0] not in ("POST", "*") or {"status", "body", "redirect"} & set(options)
    ):
        raise ValueError(
            "options of jobs need the route 'POST /job'. They can't be combined with status, body or redirect, which keep the"
            " job from being created"
        )
    if "acted" in options and not set(REPLACEMENTS) & set(options):
        raise ValueError(f"acted needs an option that replaces the answer: {', '.join(REPLACEMENTS)}")
    if "retry_after" in options and "retry_after_date" in options:
        raise ValueError("retry_after and retry_after_date set the same header")
    if "compress" in options and "length" in options:
        raise ValueError("a compressed body declares no length, so compress can't be combined with length")
    if {"job_seconds", "job_polls"} <= set(options):
        raise ValueError(
            "job_seconds and job_polls can't be combined: a job shows its outcome after one of them"
        )
    return options


def parsed(text: str) -> tuple[str, FaultOptions]:
    """Parses a fault in the form of the command line, such as `POST /job status=503 nth=2`.

    Returns:
        The route and the options, unchecked.

    Raises:
        ValueError: the method, the path, or the `=` of an option is missing.
    """
    words = shlex.split(text)
    options: dict[str, Any] = {}
    for word in words[2:]:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"a fault's option has the form NAME=VALUE, such as nth=2; got {word!r}")
        try:
            options[name.replace("-", "_")] = json.loads(value)
        except ValueError:
            options[name.replace("-", "_")] = value
    if len(words) < 3:
        raise ValueError(f"a fault has the form 'POST /job status=503 nth=2'; got {text!r}")
    # Not checked yet: `checked` does that.
    return " ".join(words[:2]), cast("FaultOptions", options)
