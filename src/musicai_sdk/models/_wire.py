"""The base class of the service's answers: lenient, frozen, camelCase on the wire, and a mapping by wire names."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from typing_extensions import override

from musicai_sdk._text import displayed
from musicai_sdk.models._lenient import originals, wire_time


def redacted_fields(self: BaseModel) -> Any:
    """A `__repr_args__` for models: `repr`, `str` and other libraries, such as rich, show URLs without their queries."""
    for name, value in BaseModel.__repr_args__(self):
        yield displayed(name), displayed(value)


class WireModel(BaseModel, Mapping[str, Any], frozen=True):
    """A frozen model that keeps unknown fields, and is a read-only mapping of wire names to JSON values.

    `job.created_at` is the typed value. `job["createdAt"]` and the other operations of a `Mapping` use the JSON values:
    `job == {…}`, `match`, logging (`%(status)s`), `pandas.DataFrame(jobs)`. `job.copy()` and `job | {…}` return plain
    dicts. A model isn't a `dict`: it can't be changed, and `json.dumps` rejects it. `dict(job)` returns a plain dict.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        # Build the schemas at first use: defining the models must not slow the import down.
        defer_build=True,
    )

    @property
    def raw(self) -> dict[str, Any]:
        """The whole JSON object as the service sent it, by wire names; a new dict each time.

        Includes values that didn't fit their field, which is then None, and fields that this version doesn't know.
        """
        kept, known = originals(self), self.model_fields_set
        fields = dict[str, Any]()
        for wire, name in wire_fields(type(self)).items():
            twin = f"raw_{name}"  # see `as_it_came`
            if twin in known:
                fields[wire] = _json(getattr(self, twin))
            elif name in known:
                fields[wire] = kept[name] if name in kept else _json(getattr(self, name))
        return {**fields, **(self.model_extra or {})}

    __repr_args__ = redacted_fields

    @override
    def __getitem__(self, wire_name: str) -> Any:
        """The JSON value of the field with this wire name; `KeyError` if there is none."""
        field = wire_fields(type(self)).get(wire_name)
        if field is not None:
            return self.model_dump(mode="json", by_alias=True, include={field})[wire_name]
        return (self.model_extra or {})[wire_name]

    @override
    def __contains__(self, wire_name: object) -> bool:
        """Whether there is a field with this wire name."""
        return wire_name in wire_fields(type(self)) or wire_name in (self.model_extra or {})

    # pydantic's `__iter__` yields pairs of Python names and values. In pydantic only `copy`, replaced below, uses it.
    @override
    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # unlike pydantic, a mapping yields names
        """The wire names."""
        return iter(self.keys())

    @override
    def __len__(self) -> int:
        """The number of fields."""
        return len(self.keys())

    @override
    def keys(self) -> KeysView[str]:
        """The wire names of all fields, including those that this version doesn't know."""
        return {**wire_fields(type(self)), **(self.model_extra or {})}.keys()

    @override
    def values(self) -> ValuesView[Any]:
        """The JSON values, in the order of `keys()`."""
        return self.copy().values()

    @override
    def items(self) -> ItemsView[str, Any]:
        """Wire names and JSON values."""
        return self.copy().items()

    @override
    def copy(self) -> dict[str, Any]:  # type: ignore[override]  # pydantic's is deprecated; this one is a dictionary's
        """A plain, mutable dict of wire names and JSON values; the same as `dict(model)`."""
        return self.model_dump(mode="json", by_alias=True)

    @override
    def __eq__(self, other: object) -> bool:
        """Compares JSON values, so that a model equals what is read from its dump.

        Another mapping is equal if it has the same wire names and values, a model only if it has the same class.
        """
        if self is other:
            return True
        if isinstance(other, BaseModel):
            return isinstance(other, WireModel) and type(other) is type(self) and self.copy() == other.copy()
        if isinstance(other, Mapping):
            return self.copy() == dict(cast("Mapping[object, object]", other))
        return NotImplemented

    @override
    def __hash__(self) -> int:
        return hash(json.dumps(self.copy(), sort_keys=True))

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        """A plain dict of this and `other`, whose values win."""
        return self.copy() | dict(other) if isinstance(cast("object", other), Mapping) else NotImplemented

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        """A plain dict of `other` and this, whose values win."""
        return dict(other) | self.copy() if isinstance(cast("object", other), Mapping) else NotImplemented

    if not TYPE_CHECKING:  # otherwise type checkers would accept every misspelt name

        def __getattr__(self, name: str) -> Any:
            """Names the replacement for attributes that programs for 1.0 may use: JSON names, and methods of dicts."""
            try:
                return super().__getattr__(name)
            except AttributeError as error:
                if (field := wire_fields(type(self)).get(name)) is not None:
                    error.args = (f"{error.args[0]}: use .{field} or [{name!r}]",)
                elif hasattr(dict, name):
                    error.args = (
                        f"{error.args[0]}, because it can't be changed: dict(…) of it is a plain dict",
                    )
                raise


def _json(value: Any) -> Any:
    """The JSON value that a field was read from."""
    match value:
        case WireModel():
            return value.raw
        case datetime():
            return wire_time(value)
        case list() | tuple():
            return [_json(each) for each in cast("Sequence[Any]", value)]
        case _:
            return value


@cache
def wire_fields(model: type[BaseModel]) -> dict[str, str]:
    """The Python names of a model's fields by wire name."""
    model.model_rebuild()  # the alias generator runs when the schema is built
    return {
        info.serialization_alias or info.alias or name: name
        for name, info in model.model_fields.items()
        if not info.exclude
    }
