"""The base of everything the server sends: tolerant, frozen, camelCase on the wire, readable like the old dicts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class WireModel(BaseModel, frozen=True):
    """A frozen model that keeps unknown fields and also answers by wire names.

    `job.created_at` is the typed value; `job["createdAt"]`, `job.get("createdAt")`, `"createdAt" in job` and
    `job.keys()` answer what the JSON held, as the dicts of the 1.0 package did.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        # The schemas are built at first use: defining the models must not slow the import down.
        defer_build=True,
    )

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

    def keys(self) -> list[str]:
        """The wire names of all fields, those that this version doesn't know included; `dict(model)` uses it."""
        return [*wire_fields(type(self)), *(self.model_extra or {})]

    def items(self) -> Iterator[tuple[str, Any]]:
        """Wire names and JSON values."""
        return iter(self.model_dump(mode="json", by_alias=True).items())


@cache
def wire_fields(model: type[BaseModel]) -> dict[str, str]:
    """The Python names of a model's fields by wire name."""
    model.model_rebuild()  # the alias generator runs when the schema is built
    return {info.serialization_alias or info.alias or name: name for name, info in model.model_fields.items()}
