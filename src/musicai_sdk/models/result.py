"""The result of a job, as the type that its workflow declares.

Without `from __future__ import annotations`: pydantic before 2.13 evaluates the text of `__pydantic_extra__` in the
module of every subclass, where these names don't exist.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, cast, get_args, get_origin

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticUndefined
from typing_extensions import TypeVar, is_typeddict

from musicai_sdk.models._wire import redacted_fields, wire_fields
from musicai_sdk.models.outputs import CustomStorage, FileUrl, JsonFile, OutputValue


class WorkflowResult(BaseModel):
    """The outputs of one workflow; subclass it with one field per output.

    The author of a workflow chooses the names of its outputs (`"Kick drum"`, `"BPM"`, `"chordsMap"`). A field takes the
    output with its wire name, or else an output whose name differs only in case, spaces, `_` and `-`. `result["other
    name"]` and `result.model_extra` have the outputs without a field.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="allow",
        validate_by_name=True,
        coerce_numbers_to_str=True,
        defer_build=True,
        protected_namespaces=(),
    )
    # pydantic's way of typing extra fields; its base class declares the attribute with a wider, invariant type.
    __pydantic_extra__: dict[str, OutputValue] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]

    @model_validator(mode="before")
    @classmethod
    def _claim_outputs(cls, data: Any) -> Any:
        """Assigns outputs to fields: by wire name, else by field name, else by another spelling."""
        if not isinstance(data, Mapping):
            return data
        wanted = _accepted_names(cls)
        claimed, rest = _claimed(cast("Mapping[str, Any]", data), wanted)
        return {**rest, **{wanted[field][0]: value for field, value in claimed.items()}}

    __repr_args__ = redacted_fields

    def __getitem__(self, output: str) -> Any:
        """One output by its wire name in any spelling; `KeyError` if there is none."""
        values = self._by_wire_name()
        match = _find(values, output)
        if match is None:
            raise KeyError(output)
        return values[match]

    def __contains__(self, output: object) -> bool:
        """Whether there is an output of that name in any spelling."""
        return isinstance(output, str) and _find(self._by_wire_name(), output) is not None

    def _by_wire_name(self) -> dict[str, Any]:
        known = {wire: getattr(self, field) for wire, field in wire_fields(type(self)).items()}
        return {**known, **(self.model_extra or {})}


class RawResult(WorkflowResult):
    """The result of a workflow without a result type. Read outputs by `result["vocals"]` or `result.model_extra`."""


T = TypeVar("T")
R = TypeVar("R", bound=WorkflowResult)
R_any = TypeVar("R_any", bound=WorkflowResult, default=RawResult)
R_co = TypeVar("R_co", bound=WorkflowResult, covariant=True, default=RawResult)


def output(wire_name: str, *aliases: str, default: Any = PydanticUndefined) -> Any:
    """Declares the wire name of a result field, its other known names, and a default.

    Only needed if the wire name differs from the field's name in more than letter case and separators, or if some jobs
    lack the output: `key: str | None = output("Root key", default=None)`.
    """
    return Field(default, validation_alias=AliasChoices(wire_name, *aliases), serialization_alias=wire_name)


def output_names(result_type: type[WorkflowResult]) -> dict[str, str]:
    """The wire names of the outputs that a result type declares, by field name."""
    return {field: names[0] for field, names in _accepted_names(result_type).items()}


def wire_name_of(result_type: type[WorkflowResult], name: str) -> str | None:
    """The wire name of an output, from its field name, a wire name, or another spelling of one; None if there is none.

    Returns any known wire name unchanged.
    """
    wanted = _accepted_names(result_type)
    if any(name in names for names in wanted.values()):
        return name
    claimed, _ = _claimed({name: None}, wanted)
    return next((wanted[field][0] for field in claimed), None)


@dataclass(frozen=True, slots=True)
class DeclaredOutput:
    """A result type's declaration of one output, as plain data."""

    field: str
    """The field's name."""
    names: tuple[str, ...]
    """The wire names, the preferred one first."""
    required: bool
    """Whether every job must have this output: the field has no default and can't be None."""
    is_file: bool
    """Whether this output must be a file."""
    content: frozenset[type] | None = None
    """The kinds of JSON values that the file may contain; None if any, or if the file needn't be JSON."""


def declared_outputs(result_type: type[WorkflowResult]) -> tuple[DeclaredOutput, ...]:
    """A result type's declarations of its outputs."""
    found = list[DeclaredOutput]()
    for field, names in _accepted_names(result_type).items():
        info = result_type.model_fields[field]
        alternatives = list(_alternatives(info.annotation))
        kinds = {get_origin(each) or each for each in alternatives}
        found.append(
            DeclaredOutput(
                field,
                names,
                required=info.is_required() and type(None) not in kinds,
                is_file=all(
                    isinstance(kind, type) and issubclass(kind, FileUrl | CustomStorage) for kind in kinds
                ),
                content=_content(alternatives),
            )
        )
    return tuple(found)


def missing_outputs(declared: Iterable[DeclaredOutput], present: Mapping[str, bool]) -> tuple[str, ...]:
    """The wire names of the required outputs that are missing.

    Args:
        declared: The declarations of the workflow's class.
        present: For the name of each output of the job, whether that output contains a file.
    """
    found, _ = _claimed(present, {each.field: each.names for each in declared})
    return tuple(
        each.names[0]
        for each in declared
        if each.required and (each.field not in found or (each.is_file and not found[each.field]))
    )


def declared_contents(
    declared: Sequence[DeclaredOutput], outputs: Collection[str]
) -> dict[str, frozenset[type]]:
    """The kinds of JSON values that the files of a job may contain, by the names of its outputs."""
    by_field = {each.field: each for each in declared}
    claimed, _ = _claimed({name: name for name in outputs}, {each.field: each.names for each in declared})
    contents = {name: by_field[field].content for field, name in claimed.items()}
    return {name: kinds for name, kinds in contents.items() if kinds is not None}


def _content(alternatives: Iterable[object]) -> frozenset[type] | None:
    """The kinds of JSON values in a file of one of these types; None if one of them doesn't say."""
    found = set[type]()
    for each in alternatives:
        kind = get_origin(each) or each
        if kind is type(None) or kind is CustomStorage:
            continue
        if not (isinstance(kind, type) and issubclass(kind, JsonFile)):
            return None
        for content in _alternatives(next(iter(get_args(each)), Any)):
            json_kinds = _json_kinds(get_origin(content) or content)
            if not json_kinds:
                return None
            found |= json_kinds
    return frozenset(found) or None


def _json_kinds(given: object) -> set[type]:
    """The kinds of JSON values that pydantic reads as this type; empty if unknown."""
    if not isinstance(given, type):
        return set()
    kind = cast("type[Any]", given)
    if getattr(kind, "__pydantic_root_model__", False):
        return set()
    if issubclass(kind, BaseModel | Mapping) or is_dataclass(kind) or is_typeddict(kind):
        return {dict}
    if issubclass(kind, list | tuple | set | frozenset) or kind in (Sequence, Iterable):
        return {list}
    return next(({each} for each in (str, bool, type(None)) if issubclass(kind, each)), set[type]())


def _alternatives(annotation: object) -> Iterator[object]:
    """The members of a union, without annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for each in get_args(annotation):
            yield from _alternatives(each)
    else:
        yield annotation


def _loose(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _loosely(outputs: Collection[str], names: tuple[str, ...]) -> str | None:
    loose = {_loose(name) for name in names}
    return next((name for name in outputs if _loose(name) in loose), None)


def _claimed(
    outputs: Mapping[str, T], wanted: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, T], dict[str, T]]:
    """Assigns outputs to fields, the best matches first: wire name, field name, another spelling.

    Returns:
        The outputs by field, and the outputs that match no field.
    """
    rest, claimed = dict(outputs), dict[str, T]()
    ways: tuple[Callable[[str, tuple[str, ...]], str | None], ...] = (
        lambda _, names: next((name for name in names if name in rest), None),
        lambda field, _: field if field in rest else None,
        lambda field, names: _loosely(rest, (field, *names)),
    )
    for match in ways:
        for field, names in wanted.items():
            if field not in claimed and (name := match(field, names)) is not None:
                claimed[field] = rest.pop(name)
    return claimed, rest


def _find(outputs: Collection[str], name: str) -> str | None:
    """The output of that name, or else of another spelling of it."""
    return name if name in outputs else _loosely(outputs, (name,))


@cache
def _accepted_names(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """The wire names of every field, the preferred one first; by default the field's own name."""
    names: dict[str, tuple[str, ...]] = {}
    for field, info in model.model_fields.items():
        alias = info.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias or info.alias]
        names[field] = tuple(str(choice) for choice in choices if choice) or (field,)
    return names
