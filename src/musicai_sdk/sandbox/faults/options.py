"""What a fault can be: one table of options for Python, the command line and the admin endpoint."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, cast

from annotated_types import Ge, Gt, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

# pydantic asks for this one before Python 3.12.
from typing_extensions import TypedDict

JOB_ERRORS: Final[Mapping[str, tuple[str, str]]] = {
    "BAD_INPUT": ("Invalid input", "File not found."),
    "TIMEOUT": ("Timeout", "The job took too long."),
    "INTERNAL_ERROR": ("Internal error", "An unexpected error ended the job."),
}
"""Title and message by code (source: official clients for the first, a third party for the others)."""

ALSO_OF_JOBS: Final = ("job_seconds", "job_polls", "job_error", "job_vanish")
"""The options that befall the job that a request creates."""


@with_config(ConfigDict(extra="forbid", arbitrary_types_allowed=True))
class FaultOptions(TypedDict, total=False):
    """When a fault is shown, and what it is."""

    # When.
    nth: Annotated[int, Ge(1)]
    """The first of the matching requests that gets the fault, counted from 1 and from now on."""
    times: Annotated[int, Ge(1)]
    """How many get it; unless told, one if `nth` is given, else all."""
    probability: Annotated[float, Gt(0), Le(1)]
    """The share of the matching requests that get it, drawn with the seed."""
    seed: int
    """Seeds this fault's own draws; unless told, the sandbox's seed does."""

    # What becomes of the connection.
    delay: Annotated[float, Ge(0)]
    """How long to wait before anything else, in seconds of real time."""
    reset: Literal["before", "after"]
    """`before`: the connection is reset, and the request neither read nor acted on; `after`: it is acted on, and
    then the connection is reset without an answer."""
    hang: Literal["before", "after"]
    """Never answers, and keeps the connection open; `after` acts on the request first."""
    refuse: Annotated[float, Gt(0)]
    """Resets the connection, and from then on refuses new ones, for so many seconds of real time."""

    # What is answered, and how.
    status: Annotated[int, Ge(200), Le(599)]
    """Answers with this status instead of acting; the body is the API's error if none is given."""
    headers: Mapping[str, str]
    """Headers of that answer; without `status`, `body` and `redirect`, headers put into the real answer."""
    body: bytes | str | Mapping[str, object] | Sequence[object]
    """Answers with this instead of acting: text and bytes as they are, anything else as JSON."""
    retry_after: Annotated[int, Ge(0)]
    """A `Retry-After` header of so many seconds, with `status` (429 unless told)."""
    retry_after_date: Annotated[int, Ge(0)]
    """The same as a date, so many seconds of real time from the answer on."""
    redirect: str
    """Answers with status 302 (or `status`) and this `Location`."""
    acted: Literal[True]
    """Acts on the request before it gets the answer that is asked for here: a gateway that lost the real one."""
    truncate: Annotated[int, Ge(0)]
    """Sends only so many bytes of the body under its full Content-Length, and then closes."""
    length: int
    """Declares a Content-Length that is off by so many bytes. If it is too small, the surplus is sent all the
    same; the connection is closed after the body."""
    garble: Literal["body", "head"]
    """`body`: about one byte in a hundred of the body is another one, its length and hashes are as they were;
    `head`: what is sent is no HTTP."""
    checksum: Literal["wrong"]
    """Sends the right body with hashes of another one (`x-goog-hash`, `ETag`)."""
    compress: Literal["gzip", "deflate"]
    """Compresses the body, whatever the request accepts."""
    drip: Annotated[float, Gt(0)]
    """Sends the body at so many bytes a second of real time."""
    expire: Literal[True]
    """For signed URLs: from now on, all that were given out for this object have expired; fresh ones are good.
    With `truncate`, this request still gets so many bytes: the URL runs out midway."""

    # What becomes of the job that a `POST /job` creates.
    job_seconds: Annotated[float, Ge(0)]
    """Its outcome is shown so many seconds after it started, on the sandbox's clock."""
    job_polls: Annotated[int, Ge(0)]
    """Its outcome is shown after so many polls."""
    job_error: str
    """It ends as FAILED with this code: one of `JOB_ERRORS`, or any other."""
    job_vanish: Literal["files", "result"]
    """It ends as SUCCEEDED, but its files are gone (404), or its result is null."""


_OPTIONS: TypeAdapter[FaultOptions] = TypeAdapter(FaultOptions)
_ENDS = ("reset", "hang", "refuse")
INSTEAD: Final = ("status", "body", "redirect", "retry_after", "retry_after_date")
"""The options that put an answer in the place of the real one."""
_ANSWERS = (*INSTEAD, "headers", "acted")
_BODIES = ("truncate", "length", "garble", "checksum", "compress", "drip", "expire")


def checked(route: str, options: FaultOptions) -> FaultOptions:
    """Returns the options in their proper types.

    Raises:
        ValueError: If one makes no sense, alone or with another.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        options = _OPTIONS.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        raise ValueError(f"{where}: {first['msg']}") from None
    ends = [name for name in _ENDS if name in options]
    rest = [name for name in (*_ANSWERS, *_BODIES, *ALSO_OF_JOBS) if name in options]
    if ends and (len(ends) > 1 or rest):
        raise ValueError(f"{ends[0]} leaves no answer, so it can't go with {', '.join(ends[1:] + rest)}")
    if any(name in options for name in ALSO_OF_JOBS) and (
        route.partition(" ")[0] not in ("POST", "*") or {"status", "body", "redirect"} & set(options)
    ):
        raise ValueError(
            "what befalls a job goes with the route 'POST /job', and with an answer that makes one"
        )
    if "acted" in options and not set(INSTEAD) & set(options):
        raise ValueError(f"acted goes with an answer in the place of the real one: {', '.join(INSTEAD)}")
    if "retry_after" in options and "retry_after_date" in options:
        raise ValueError("retry_after and retry_after_date are the same header")
    if "compress" in options and "length" in options:
        raise ValueError("a compressed body has no declared length that could be off")
    if {"job_seconds", "job_polls"} <= set(options):
        raise ValueError("a job's outcome is shown after job_seconds or after job_polls")
    return options


def parsed(text: str) -> tuple[str, FaultOptions]:
    """Reads a fault as the command line gives it, such as `POST /job status=503 nth=2`.

    Returns:
        The route and the options, which aren't checked yet.

    Raises:
        ValueError: If it doesn't begin with a method and a path, or an option has no `=`.
    """
    words = shlex.split(text)
    options: dict[str, Any] = {}
    for word in words[2:]:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"an option of a fault reads like nth=2; got {word!r}")
        try:
            options[name.replace("-", "_")] = json.loads(value)
        except ValueError:
            options[name.replace("-", "_")] = value
    if len(words) < 3:
        raise ValueError(f"a fault reads like 'POST /job status=503 nth=2'; got {text!r}")
    # Not options yet: the next to see them is `checked`.
    return " ".join(words[:2]), cast("FaultOptions", options)
