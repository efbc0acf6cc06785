"""The result of a job, read as the type its workflow declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, cast

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypeVar

from musicai_sdk.models._wire import wire_fields
from musicai_sdk.models.outputs import OutputValue


class WorkflowResult(BaseModel, frozen=True):
    """The outputs of one workflow; subclass it with one field per output.

    Output names on the wire are chosen by the author of a workflow (`"Kick drum"`, `"BPM"`, `"chordsMap"`), so a
    field is found by its wire name, else by any spelling that differs only in case, spaces, `_` and `-`. Outputs
    that no field claims are kept: `result["other name"]` and `result.model_extra` have them.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", validate_by_name=True, defer_build=True)
    # pydantic's own way of typing extra fields; its base declares the attribute with a wider, invariant type.
    __pydantic_extra__: dict[str, OutputValue]  # pyright: ignore[reportIncompatibleVariableOverride]

    @model_validator(mode="before")
    @classmethod
    def _claim_outputs(cls, data: Any) -> Any:
        """Renames wire names to field names, exact names first, then loosely spelled ones."""
        if not isinstance(data, Mapping):
            return data
        outputs = dict(cast("Mapping[str, Any]", data))
        claimed: dict[str, Any] = {}
        for field, names in _accepted_names(cls).items():
            match = _find(outputs, (field, *names))
            if match is not None:
                claimed[field] = outputs.pop(match)
        return {**outputs, **claimed}

    def __getitem__(self, output: str) -> Any:
        """One output by its wire name (any letter case); `KeyError` when the job had no such output."""
        values = self._by_wire_name()
        match = _find(values, (output,))
        if match is None:
            raise KeyError(output)
        return values[match]

    def __contains__(self, output: object) -> bool:
        """Whether the job had an output of that name (any letter case)."""
        return isinstance(output, str) and _find(self._by_wire_name(), (output,)) is not None

    def _by_wire_name(self) -> dict[str, Any]:
        known = {wire: getattr(self, field) for wire, field in wire_fields(type(self)).items()}
        return {**known, **(self.model_extra or {})}


class RawResult(WorkflowResult, frozen=True):
    """The result of a workflow without a type of its own: `result["vocals"]`, `result.model_extra`."""


R = TypeVar("R", bound=WorkflowResult)
R_co = TypeVar("R_co", bound=WorkflowResult, covariant=True, default=RawResult)


def output(wire_name: str, *aliases: str) -> Any:
    """Declares the wire name of a result field, and other names under which it has been seen.

    Only needed where the wire name isn't the field's name in another letter case or with other separators.
    """
    return Field(validation_alias=AliasChoices(wire_name, *aliases), serialization_alias=wire_name)


def _loose(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _find(outputs: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The output that bears one of the names: exactly, else in another spelling."""
    for name in names:
        if name in outputs:
            return name
    loose = {_loose(name) for name in names}
    return next((name for name in outputs if _loose(name) in loose), None)


@cache
def _accepted_names(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """The wire names of every field, the preferred one first."""
    names: dict[str, tuple[str, ...]] = {}
    for field, info in model.model_fields.items():
        alias = info.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias or info.alias]
        names[field] = tuple(str(choice) for choice in choices if choice)
    return names
