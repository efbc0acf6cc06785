"""Leniency towards the server: an unreadable optional field or list element never hides the rest of an answer.

An optional field that doesn't fit becomes None. Its JSON value stays available in `WireModel.raw`, and one warning per
field and process is logged. For values that fit, no Python code of this module runs: each field is a union, and
pydantic calls this module only if the first member fails.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias, TypeVar, cast, get_args, get_origin

from pydantic import (
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema, from_json

T = TypeVar("T")

logger = logging.getLogger("musicai_sdk")

ORIGINALS = "__originals__"
"""The key in a model's `__dict__` of the original JSON values that can't be derived from the fields, by field name."""
_UNREADABLE = object()
_REQUIRED = object()
"""The default of a field that must fit."""

_warned = set[tuple[str, str]]()
"""The warnings that this process has logged. Without this set, every page could repeat them."""


def originals(model: BaseModel) -> dict[str, Any]:
    """The JSON values of a model's fields that can't be derived from the field values."""
    found: dict[str, Any] = model.__dict__.get(ORIGINALS, {})
    return found


class Lenient:
    """Marks a field that becomes its default when its value doesn't fit.

    Args:
        otherwise: Another way to read a value; raises `ValueError` if it can't.
        default: The default; `_REQUIRED` if the field has none.
    """

    def __init__(self, otherwise: Callable[[Any], Any] | None = None, default: Any = None) -> None:
        self._otherwise = otherwise
        self._default = default

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The field's own schema with a fallback."""
        name = handler.field_name

        def unfit(value: Any, info: core_schema.ValidationInfo[Any]) -> Any:
            return self._unfit(value, info, name or info.field_name or "")

        fallback = core_schema.with_info_plain_validator_function(unfit)
        own: Any = handler(source)
        if own["type"] != "nullable":
            return core_schema.union_schema([own, fallback], mode="left_to_right")
        # Put the fallback inside the nullable schema, so that nulls, which are frequent, never reach it.
        own["schema"] = core_schema.union_schema([own["schema"], fallback], mode="left_to_right")
        return cast("CoreSchema", own)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The JSON schema of the unmarked field."""
        own: Any = schema
        if own["type"] == "nullable":
            return handler(cast("Any", {**own, "schema": own["schema"]["choices"][0]}))
        return handler(own["choices"][0])

    def _unfit(self, value: Any, info: core_schema.ValidationInfo[Any], name: str) -> Any:
        if value is None and self._default is not _REQUIRED:
            return self._default
        # `info.data` becomes the model's `__dict__`. Private attributes would slow down every job.
        info.data.setdefault(ORIGINALS, {})[name] = value
        if self._otherwise is not None:
            try:
                return self._otherwise(value)
            except ValueError:
                if self._default is _REQUIRED:
                    raise
        model = str((info.config or {}).get("title", "an answer"))
        if (model, name) not in _warned:
            _warned.add((model, name))
            logger.warning(
                "%s.%s is %r because the service sent %s, which can't be read; reported once",
                *(model, name, self._default, _kind(value)),
            )
        return self._default


def _kind(value: object) -> str:
    """The kind of a JSON value, without the value, which may be a signed URL."""
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text" if value else "an empty text"
        case list():
            return "an array"
        case dict():
            return "an object"
        case _:
            return type(value).__name__


Maybe: TypeAlias = Annotated[T | None, Lenient()]
"""A `T`, or None when it is missing, null or doesn't fit."""


Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
"""A finite number: JSON files written by Python may contain `NaN`."""
Seconds: TypeAlias = Finite
"""A time or a duration, in seconds."""


def _json_object(value: Any) -> dict[str, Any]:
    """The object in a JSON text."""
    found: object = from_json(value) if isinstance(value, str) else None
    if not isinstance(found, dict):
        raise ValueError("not the text of a JSON object")  # noqa: TRY004 - what `Lenient` expects
    return cast("dict[str, Any]", found)


MaybeObject: TypeAlias = Annotated[dict[str, Any] | None, Lenient(_json_object)]
"""A JSON object, or the JSON text of one."""


def _digits(value: Any) -> str:
    """The digits of a numeric id."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not an id")  # noqa: TRY004 - what `Lenient` expects
    return str(value)


Id: TypeAlias = Annotated[str, Field(min_length=1), Lenient(_digits, default=_REQUIRED)]
"""An id: non-empty text. A number becomes its digits. Nothing else fits."""
MaybeId: TypeAlias = Annotated[str, Lenient(_digits, default="")]
"""An id, or an empty text when it is missing or doesn't fit."""


# --- Times


def wire_time(moment: datetime) -> str:
    """A time as the service writes it: UTC with milliseconds and `Z`, where the time is in UTC."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time: TypeAlias = Annotated[
    Maybe[datetime], PlainSerializer(wire_time, return_type=str, when_used="json-unless-none")
]
"""An ISO 8601 time with an offset, or None; on the wire UTC with milliseconds and `Z` (source: the official reference)."""


def as_it_came(wire_name: str) -> Any:
    """Declares a second field beside a time, with its JSON value for `WireModel.raw`.

    A `datetime` loses the spelling of the text. Keeping every text costs less than checking whether it is needed.
    """
    return Field(None, validation_alias=wire_name, exclude=True, repr=False)


# --- Lists


class Page(list[T]):
    """The readable elements of a list."""

    unreadable: int = 0
    """The number of unreadable elements that were left out; 1 also for an empty page that isn't the end of the list. Such
    a page can't prove that a job doesn't exist."""
    announced: int = 0
    """The number of elements in the whole list, if an empty page says it."""
    stored: bool = False
    """Whether the page comes from a cache, which may lack the newest elements."""


class Readable:
    """Marks a list, or a tuple of any length, whose unreadable elements are left out.

    A non-empty list whose elements are all unreadable doesn't fit the field.

    Args:
        paged: Whether to read the list as a `Page`, which counts the unreadable elements.
        within: If the value is an object instead, the field of that object that contains the list.
    """

    def __init__(self, *, paged: bool = False, within: str | None = None) -> None:
        self._within = within
        self._paged = paged or within is not None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A schema of the list that leaves unreadable elements out."""
        kind, element = get_origin(source), get_args(source)[0]
        name = getattr(element, "__name__", str(element))
        paged = self._paged
        unreadable = core_schema.no_info_plain_validator_function(lambda _: _UNREADABLE)
        item = core_schema.union_schema([handler.generate_schema(element), unreadable], mode="left_to_right")
        items: CoreSchema = (
            core_schema.tuple_schema([item], variadic_item_index=0)
            if kind is tuple
            else core_schema.list_schema(item)
        )
        if (within := self._within) is not None:
            inner = Annotated[source, Readable(paged=True)]

            def wrapped(value: Any) -> Any:
                return _listed(inner, value, within)

            other = core_schema.no_info_plain_validator_function(wrapped)
            items = core_schema.union_schema([items, other], mode="left_to_right")

        def readable(found: Sequence[Any]) -> Any:
            if isinstance(found, Page):
                return found
            page = _without_unreadable(found, name)
            if kind is tuple:
                return tuple(page)
            return page if paged else list(page)

        return core_schema.no_info_after_validator_function(readable, items)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The JSON schema of the unmarked list."""
        items: Any = cast("Any", schema)["schema"]
        if items["type"] == "union":
            items = items["choices"][0]
        if items["type"] == "tuple":
            own = {**items, "items_schema": [items["items_schema"][0]["choices"][0]]}
        else:
            own = {**items, "items_schema": items["items_schema"]["choices"][0]}
        return handler(cast("Any", own))


def _listed(kind: Any, value: Any, within: str) -> Any:
    """Reads a list inside an object.

    Uses its own adapter, because reusing a schema inside another one slows pydantic down in both places.
    """
    envelope = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    found = envelope.get(within)
    if not isinstance(found, list):
        raise ValueError(f"neither an array nor an object with an array `{within}`")  # noqa: TRY004
    try:
        page = _adapter(kind).validate_python(found)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None
    if not page:
        beside = list(_beside({name: each for name, each in envelope.items() if name != within}))
        page.unreadable = int(any(_denies_end(name, each) for name, each in beside))
        page.announced = max((_announced(name, each) for name, each in beside), default=0)
    return page


def _beside(envelope: Mapping[str, Any], depth: int = 3) -> Iterator[tuple[str, object]]:
    """The names and values of an object, and of the objects in it."""
    for name, value in envelope.items():
        yield name, value
        if isinstance(value, dict) and depth > 1:
            yield from _beside(cast("dict[str, Any]", value), depth - 1)


_NOT_THE_END = re.compile(
    r"error|message|warning|next|more|cursor|partial|incomplete|truncated|timed|stale|reached", re.IGNORECASE
)
"""The names of values beside an empty list that say that the list isn't at its end, or couldn't be made."""
_THE_END = re.compile(r"(is_?)?(last(_?page)?|end|eof|final|complete|exhaustive|done)", re.IGNORECASE)
"""The names of values beside an empty list that say the same if they are false."""
_MOST_DIGITS = 18
_WELL = {"", "200", "complete", "completed", "done", "ok", "success", "succeeded"}


def _denies_end(name: str, value: object) -> bool:
    """Whether a value beside an empty list says that this isn't the end of the list."""
    if denies_success(name, value) or (value is False and _THE_END.fullmatch(name)):
        return True
    if name.casefold() == "status":
        return value is not None and str(value).casefold() not in _WELL
    return bool(value) and _NOT_THE_END.search(name) is not None


def denies_success(name: str, value: object) -> bool:
    """Whether a value in an answer says that the service did nothing, whatever the answer's status."""
    return value is False and name.casefold() in ("success", "ok", "deleted")


def _announced(name: str, value: object) -> int:
    """The number of elements in the whole list, according to a value beside it. A number of pages says at least one."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:_MOST_DIGITS])
    if not isinstance(value, int) or re.search(r"total|count|hits", name, re.IGNORECASE) is None:
        return 0
    return min(value, 1) if "page" in name.casefold() else value


def note_headers(page: Page[Any], status: int, headers: Mapping[str, str]) -> None:
    """Notes on a page what the answer's status and headers say about the list."""
    age = headers.get("age", "").strip()
    page.stored = age.isdigit() and age.strip("0") != ""
    if not page:
        totals = [headers.get(name, "") for name in ("x-total-count", "x-total")]
        totals.append(headers.get("content-range", "").rpartition("/")[2])
        page.announced = max(page.announced, *(_announced("total", each.strip()) for each in totals))
        follows = re.search(r";\s*rel=[^;,]*\bnext\b", headers.get("link", ""), re.IGNORECASE)
        if follows is not None or status == HTTPStatus.PARTIAL_CONTENT:
            page.unreadable = 1


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _without_unreadable(found: Sequence[Any], name: str) -> Page[Any]:
    readable = [each for each in found if each is not _UNREADABLE]
    missing = len(found) - len(readable)
    if missing:
        if not readable:
            raise ValueError(f"none of its {len(found)} elements can be read as {name}")
        if (name, "") not in _warned:
            _warned.add((name, ""))
            logger.warning(
                "left out %d of %d elements of a list, which can't be read as %s; reported once",
                *(missing, len(found), name),
            )
    page = Page(readable)
    page.unreadable = missing
    return page


def readable(kind: Any) -> Any:
    """Adds leniency for unreadable elements to a list of this package's models. Returns any other type unchanged."""
    element = next(iter(get_args(kind)), None)
    if get_origin(kind) is list and isinstance(element, type) and issubclass(element, BaseModel):
        ours = element.__module__.startswith("musicai_sdk.models.")
        return Annotated[kind, Readable()] if ours else kind
    return kind
