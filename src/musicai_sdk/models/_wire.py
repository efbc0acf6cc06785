"""The base of everything the server sends: tolerant, frozen, camelCase on the wire, readable like the old dicts."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, cast

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from typing_extensions import override

from musicai_sdk.models._lenient import originals, wire_time


class WireModel(BaseModel, frozen=True):
    """A frozen model that keeps unknown fields and also answers by wire names.

    `job.created_at` is the typed value. `job["createdAt"]`, `job.get("createdAt")`, `"createdAt" in job`, `len(job)`,
    `job.keys()`, `.values()`, `.items()`, `.copy()`, `job | {…}` and `for name in job` answer what the JSON held, as
    the dicts of the 1.0 package did. A model isn't a dict, though: it can't be changed, and `json.dumps` and
    `isinstance(…, dict)` take nothing else. `dict(job)` is one.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        # The schemas are built at first use: defining the models must not slow the import down.
        defer_build=True,
    )

    @property
    def raw(self) -> dict[str, Any]:
        """The whole JSON object as it came, by wire names; a new dict each time.

        Also what a field couldn't take (such a field is None), and what this version doesn't know.
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

    def __getitem__(self, wire_name: str) -> Any:
        """The JSON value of one field by its wire name; `KeyError` when there is no such field."""
        field = wire_fields(type(self)).get(wire_name)
        if field is not None:
            return self.model_dump(mode="json", by_alias=True, include={field})[wire_name]
        return (self.model_extra or {})[wire_name]

    def get(self, wire_name: str, default: Any = None) -> Any:
        """The JSON value of one field by its wire name, or `default`."""
        return self[wire_name] if wire_name in self else default  # noqa: SIM401 - this is that `get`

    def __contains__(self, wire_name: object) -> bool:
        """Whether there is a field of that wire name."""
        return wire_name in wire_fields(type(self)) or wire_name in (self.model_extra or {})

    # Ignored: that this gives another type than pydantic's own is what it is for. That one gives pairs of Python names
    # and values, and is used by nothing of pydantic but the `copy` below.
    @override
    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """The wire names."""
        return iter(self.keys())

    def __len__(self) -> int:
        """How many fields there are."""
        return len(self.keys())

    def keys(self) -> KeysView[str]:
        """The wire names of all fields, those that this version doesn't know included."""
        return {**wire_fields(type(self)), **(self.model_extra or {})}.keys()

    def values(self) -> ValuesView[Any]:
        """The JSON values, in the order of `keys()`."""
        return self.copy().values()

    def items(self) -> ItemsView[str, Any]:
        """Wire names and JSON values."""
        return self.copy().items()

    # Ignored: another type than that of pydantic's, as the dicts of 1.0 had it. pydantic has given its own up for
    # `model_copy`.
    @override
    def copy(self) -> dict[str, Any]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """A plain dict of wire names and JSON values, which can be changed; as `dict(model)`."""
        return self.model_dump(mode="json", by_alias=True)

    def __or__(self, other: Mapping[str, Any] | WireModel) -> dict[str, Any]:
        """A plain dict of this and `other`, whose values win."""
        if not isinstance(cast("object", other), Mapping | WireModel):
            return NotImplemented
        return self.copy() | dict(other.items())

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        """A plain dict of `other` and this, whose values win."""
        return dict(other) | self.copy() if isinstance(cast("object", other), Mapping) else NotImplemented


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
