"""The result of a job, read as the type its workflow declares.

Without `from __future__ import annotations`: pydantic before 2.13 evaluates the text of `__pydantic_extra__` in the
module of every subclass, where these names don't exist.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, cast

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticUndefined
from typing_extensions import TypeVar

from musicai_sdk.models._wire import wire_fields
from musicai_sdk.models.outputs import OutputValue


class WorkflowResult(BaseModel):
    """The outputs of one workflow; subclass it with one field per output.

    Output names on the wire are chosen by the author of a workflow (`"Kick drum"`, `"BPM"`, `"chordsMap"`), so a
    field is found by its wire name, else by any spelling that differs only in case, spaces, `_` and `-`. Outputs
    that no field claims are kept: `result["other name"]` and `result.model_extra` have them.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="allow",
        validate_by_name=True,
        coerce_numbers_to_str=True,
        defer_build=True,
        protected_namespaces=(),
    )
    # pydantic's own way of typing extra fields; its base declares the attribute with a wider, invariant type.
    __pydantic_extra__: dict[str, OutputValue] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]

    @model_validator(mode="before")
    @classmethod
    def _claim_outputs(cls, data: Any) -> Any:
        """Gives every field its output: by a wire name, else by the field's name, else by a loose spelling."""
        if not isinstance(data, Mapping):
            return data
        outputs = dict(cast("Mapping[str, Any]", data))
        claimed: dict[str, Any] = {}
        wanted = _accepted_names(cls)
        for field, match in _in_turn(outputs, wanted):
            if wanted[field][0] not in claimed:
                claimed[wanted[field][0]] = outputs.pop(match)
        return {**outputs, **claimed}

    def __getitem__(self, output: str) -> Any:
        """One output by its wire name (any letter case); `KeyError` when the job had no such output."""
        values = self._by_wire_name()
        match = _find(values, output)
        if match is None:
            raise KeyError(output)
        return values[match]

    def __contains__(self, output: object) -> bool:
        """Whether the job had an output of that name (any letter case)."""
        return isinstance(output, str) and _find(self._by_wire_name(), output) is not None

    def _by_wire_name(self) -> dict[str, Any]:
        known = {wire: getattr(self, field) for wire, field in wire_fields(type(self)).items()}
        return {**known, **(self.model_extra or {})}


class RawResult(WorkflowResult):
    """The result of a workflow without a type of its own: `result["vocals"]`, `result.model_extra`."""


R = TypeVar("R", bound=WorkflowResult)
R_any = TypeVar("R_any", bound=WorkflowResult, default=RawResult)
R_co = TypeVar("R_co", bound=WorkflowResult, covariant=True, default=RawResult)


def output(wire_name: str, *aliases: str, default: Any = PydanticUndefined) -> Any:
    """Declares the wire name of a result field, other names under which it has been seen, and a default.

    Only needed where the wire name isn't the field's name in another letter case or with other separators, or where
    not every job has the output: `key: str | None = output("Root key", default=None)`.
    """
    return Field(default, validation_alias=AliasChoices(wire_name, *aliases), serialization_alias=wire_name)


def output_names(result_type: type[WorkflowResult]) -> dict[str, str]:
    """The wire names of the outputs that a result type declares, by field name."""
    return {field: names[0] for field, names in _accepted_names(result_type).items()}


def wire_name_of(result_type: type[WorkflowResult], name: str) -> str | None:
    """The wire name of the output that is meant by a field name, a wire name or another spelling of one.

    A name under which the output has been seen stays as it is; None when there is no such output.
    """
    wanted = _accepted_names(result_type)
    if any(name in names for names in wanted.values()):
        return name
    return next((wanted[field][0] for field, _ in _in_turn((name,), wanted)), None)


def _loose(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _exactly(outputs: Collection[str], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in outputs), None)


def _loosely(outputs: Collection[str], names: tuple[str, ...]) -> str | None:
    loose = {_loose(name) for name in names}
    return next((name for name in outputs if _loose(name) in loose), None)


def _in_turn(outputs: Collection[str], wanted: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Fields and the outputs meant by them, the surest first: by wire name, by field name, by another spelling."""
    for field, names in wanted.items():
        if (match := _exactly(outputs, names)) is not None:
            yield field, match
    for field in wanted:
        if field in outputs:
            yield field, field
    for field, names in wanted.items():
        if (match := _loosely(outputs, (field, *names))) is not None:
            yield field, match


def _find(outputs: Collection[str], name: str) -> str | None:
    """The output of that name: exactly, else in another spelling."""
    return name if name in outputs else _loosely(outputs, (name,))


@cache
def _accepted_names(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """The wire names of every field, the preferred one first; a field that declares none has its own name."""
    names: dict[str, tuple[str, ...]] = {}
    for field, info in model.model_fields.items():
        alias = info.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias or info.alias]
        names[field] = tuple(str(choice) for choice in choices if choice) or (field,)
    return names
