"""Quirks: odd ways of answering that a service may have, and that a client must cope with.

A fault (`musicai_sdk.sandbox.faults.options`) affects single requests. A quirk holds for all of them, until it is changed:

    with Sandbox(quirks=Quirks(page_limit=50, metadata="null")) as sandbox:
        ...
        sandbox.quirks = Quirks(list_lag=5)  # from the next request on
        sandbox.reset()                      # back to the quirks of the constructor

A sandbox in a process of its own takes `--quirk page_limit=50 --quirk metadata=null`, or over HTTP:

    GET  /__sandbox__/quirks
    PUT  /__sandbox__/quirks   {"page_limit": 50, "metadata": "null"}    all others get their defaults

`Sandbox.jobs` and the dashboard show what is stored, without the quirks.

`musicai_sdk.sandbox.faults` says how to add one. The command line, the admin endpoint and the checks follow from the
type of its field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """The quirks of a service. With the defaults there are none.

    The docstring under each field has the details. "Seen" says where a behaviour was found. The others were not, but
    nothing documented excludes them, so that a client can't rely on their absence.

    Lists:
        page_limit: The most items on a page, whatever `size=` asks for.
        list_lag: Seconds until a new job is listed.
        list_order: "newest", "oldest", or "shuffled" by a hash of the id.
        list_envelope: "array", or "object": `{"jobs": [...]}`.
        list_view: "full", or what items leave out: "no_results", "no_metadata", "brief" (nearly everything).
        workflow_filter: What `workflow=` is compared with: "slug", "name" only, or "ignored".

    Jobs:
        get_lag: Seconds until a new job can be read by its id.
        metadata: How it comes back: "kept", "dropped", "null", "stringified", "strings", "truncated".
        no_error_field: Jobs have no `error` field.
        odd_fields: Optional fields have values of other types.
        other_application: The key belongs to another application, which has no jobs.
        delete_status: 200, or 202 and 204 without a body.

    POST /job:
        hold_posts: Seconds for which a gateway holds the request; the connection is closed without an answer at once.
        hold_count: How many requests are held; None for all.
        redirect_posts: 302, 303 or 307: the answer after the job was created.

    Results and their files:
        no_result: The result of a job that has none, because it is under way or FAILED: "null", or "empty" ({}).
        empty_results: "empty" ({}), "null", "missing" (the first output), "blank" ("" as the first output).
        nested_results: URLs are nested in objects and lists.
        shouting_urls: URLs begin with `HTTP://`.
        repeat_urls: URLs are signed once, when the job ends, so that a later GET repeats expired ones.
        stored_gzip: JSON is stored compressed, and hashes are those of the compressed bytes.
        web_pages: Downloads are answered with a page that asks for a login.

    Every answer of the API:
        drip: Seconds between its single bytes.

    Every answer of the API and of its storage:
        cors: Pages of any site may call: OPTIONS is answered, and answers have CORS headers.
        strict: Storage refuses requests that carry an API key.

    Raises:
        ValueError: a value is out of its range; the message lists the choices.
    """

    page_limit: Annotated[int, Ge(1)] | None = None
    """The most items on a page of `GET /job` and `GET /workflow`, whatever `size=` asks for; pages are counted in that
    size. None: 1000. The service's largest page isn't documented."""

    list_lag: Annotated[float, Ge(0), Le(1e9)] = 0.0
    """How many seconds, on the sandbox's clock, a new job is missing from lists, with a filter and without.
    `GET /job/{id}` knows it at once."""

    get_lag: Annotated[float, Ge(0), Le(1e9)] = 0.0
    """For how many seconds, on the sandbox's clock, `GET /job/{id}` and its status answer 404 for a new job. Nothing
    documented promises that a job can be read as soon as its POST is answered."""

    list_order: Literal["newest", "oldest", "shuffled"] = "newest"
    """How `GET /job` is sorted. "shuffled" is by a hash of the id: the same in every answer, but new jobs appear
    anywhere. The reference says "sorted by creation date" without a direction."""

    list_envelope: Literal["array", "object"] = "array"
    """Whether `GET /job` answers with an array, or with `{"jobs": [...]}`. Seen: the official integration tests accept
    both."""

    list_view: Literal["full", "no_results", "no_metadata", "brief"] = "full"
    """What the items of `GET /job` leave out: nothing, `result`, `metadata`, or all but `id`, `status`, `workflow` and
    `createdAt`. `GET /job/{id}` is complete."""

    workflow_filter: Literal["slug", "name", "ignored"] = "slug"
    """What `workflow=` of `GET /job` is compared with. "name": only the workflow's name in `GET /workflow`, so that a slug
    finds nothing. "ignored": nothing, so that the jobs of all workflows are listed."""

    metadata: Literal["kept", "dropped", "null", "stringified", "strings", "truncated"] = "kept"
    """How a job's metadata comes back. "dropped": without the field; "null": as null; "stringified": all of it as one
    string of JSON; "strings": each value as a string; "truncated": each string cut to 8 characters. Seen: the
    official JavaScript types read every value as a string, and the documentation asks for "short" ones."""

    hold_posts: Annotated[float, Ge(0), Le(1e9)] = 0.0
    """For how many seconds a gateway holds `POST /job` before the service gets it. The client's connection is closed at
    once, without an answer. The time is the sandbox's: `Sandbox.clock.advance` lets it pass. Requests that are still
    held when the sandbox is reset or stopped are lost."""

    hold_count: Annotated[int, Ge(0)] | None = None
    """How many requests `hold_posts` holds since the quirks were set. None: all."""

    redirect_posts: Literal[302, 303, 307] | None = None
    """The status of the answer of `POST /job` after it has created the job, without a body. `Location` is the job
    (302, 303), or the same URL again (307): a client that follows that creates another job."""

    delete_status: Literal[200, 202, 204] = 200
    """The status of a successful DELETE. 202 and 204 have no body. Seen: the official clients expect 200 with JSON."""

    other_application: bool = False
    """Whether the key belongs to another application, as if another account's key were configured: `GET /application`
    gives another id and name, there are no workflows and no jobs, and the jobs so far are 404. A job that is created
    meanwhile belongs to that application."""

    empty_results: Literal["empty", "null", "missing", "blank"] | None = None
    """The result of a job that SUCCEEDED: `{}`, null, without its first output, or with "" as its first output. Seen: users
    whose workflow's output node isn't wired."""

    nested_results: bool = False
    """Whether the URLs of a result are nested in objects and lists, as `{"stems": {"files": [url, ...]}}`. Plain values
    stay in place. Two public programs are written to accept that."""

    shouting_urls: bool = False
    """Whether the URLs of results begin with `HTTP://` or `HTTPS://`. RFC 3986 allows schemes in any case."""

    repeat_urls: bool = False
    """Whether the URLs of results are signed once, when the job ends, so that a later GET repeats them, expired or not.
    Seen: in a job captured in 2024 the two URLs were signed 70 s before and 5 s after its end."""

    no_error_field: bool = False
    """Whether jobs lack the field `error`, FAILED ones too. Seen: a job captured in January 2024 has none. The field is
    documented since 2025."""

    no_result: Literal["null", "empty"] = "null"
    """The `result` of a job that is QUEUED, STARTED or FAILED: null, or `{}`. Seen: an old public program checks for
    `{}`."""

    odd_fields: bool = False
    """Whether a job's optional fields have values of other types: `startedAt` "", `metadata` [], `name` 7, `error`
    "text", and `completedAt`, if it has one, as Firestore's JSON has a date."""

    stored_gzip: bool = False
    """Whether JSON results are stored compressed, as in Google Cloud Storage: hashes and `x-goog-stored-content-length` are
    those of the compressed bytes. A client that accepts gzip gets those bytes. Any other gets the decompressed ones,
    without a length, and always the whole."""

    web_pages: bool = False
    """Whether downloads of results are answered with status 200 and an HTML page that asks for a login, as by a
    captive portal."""

    drip: Annotated[float, Ge(0), Le(1e9)] = 0.0
    """The pause between the single bytes of an answer of the API, head and body, in seconds of real time."""

    cors: bool = False
    """Whether pages of any site may call the API and its storage from a browser: OPTIONS is answered with 204, and every
    answer allows every origin. The service documents no CORS headers, so that browsers need a server in between."""

    strict: bool = False
    """Whether the storage refuses a request that carries an `Authorization` header or one of the sandbox's API keys: 400
    with `InvalidArgument`, and a warning in the log of `musicai_sdk.sandbox`. A signed URL needs no key, and storage is
    another party, so that a key that is sent there is given away. Otherwise the header is ignored."""

    def __post_init__(self) -> None:
        for name, adapter in _adapters().items():
            value = getattr(self, name)
            try:
                adapter.validate_python(value)
            except ValidationError as error:
                raise ValueError(_refusal(name, value, error)) from None


class CurrentQuirks:
    """The quirks in force, which may change at any time.

    Args:
        quirks: The first ones, which `start_over` restores.
    """

    def __init__(self, quirks: Quirks) -> None:
        self._first = quirks
        self.now: Quirks = quirks
        """The quirks that hold now. They may change between two reads: one request should read them once."""

    def start_over(self) -> None:
        """Restores the first quirks."""
        self.now = self._first


def checked_quirks(value: object) -> Quirks:
    """Returns the value if it is a `Quirks`.

    Raises:
        TypeError: it is anything else.
    """
    if not isinstance(value, Quirks):
        raise TypeError(
            f"quirks must be a Quirks object, such as Quirks(page_limit=50); got {type(value).__name__}"
        )
    return value


def quirks_of(values: Mapping[str, object]) -> Quirks:
    """Returns the named quirks, with the defaults of the others.

    Raises:
        ValueError: a quirk doesn't exist, or a value is out of its range; the message lists the choices.
    """
    for name in values:
        if name not in _adapters():
            raise ValueError(f"there is no quirk {name!r}; the quirks are {', '.join(_adapters())}")
    return Quirks(**dict[str, Any](values))


def quirks_from_text(texts: list[str]) -> Quirks:
    """Parses quirks as the command line takes them, such as `page_limit=50` and `metadata=null`.

    Raises:
        ValueError: as `quirks_of`, or one has no `=`.
    """
    values = dict[str, object]()
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise ValueError(f"a quirk has the form page_limit=50; got {text!r}")
        values[name] = _value(name, value.strip())
    return quirks_of(values)


def _value(name: str, text: str) -> object:
    # `metadata=null` means the text: JSON is parsed only if the text is none of the choices.
    adapter = _adapters().get(name)
    if adapter is not None and text not in _choices(name):
        try:
            return json.loads(text)
        except ValueError:
            return None if text.lower() == "none" else text
    return text


@cache
def _hints() -> dict[str, Any]:
    hints = get_type_hints(Quirks, include_extras=True)
    return {field.name: hints[field.name] for field in fields(Quirks)}


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(hint, config=ConfigDict(strict=True)) for name, hint in _hints().items()}


def _choices(name: str) -> tuple[object, ...]:
    """Returns the values of a quirk, if they can be listed."""
    hint = _hints()[name]
    if hint is bool:
        return (False, True)
    kinds = (hint, *get_args(hint))
    listed = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    return (*listed, None) if listed and NoneType in kinds else tuple(listed)


def _refusal(name: str, value: object, error: ValidationError) -> str:
    if choices := _choices(name):
        listed = ", ".join("None" if choice is None else repr(choice) for choice in choices)
        return f"{name} is one of {listed}; got {value!r}"
    first = error.errors(include_url=False, include_context=False)[0]["msg"]
    optional = ", or None" if NoneType in get_args(_hints()[name]) else ""
    return f"{name}: {first[0].lower()}{first[1:]}{optional}; got {value!r}"
