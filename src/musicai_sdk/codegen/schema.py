"""The format of descriptions of workflows: one JSON file per workflow."""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from musicai_sdk.codegen.contents import JSON_CONTENTS, JsonContent, ValueContent
from musicai_sdk.errors import InputError
from musicai_sdk.models.problems import problems

LONGEST_NAME = 36
"""The most characters of a field's name. With longer ones, some lines could not be broken as ruff does."""
LONGEST_CLASS = 50
"""The most characters of a class's name."""

WireName: TypeAlias = Annotated[str, Field(min_length=1)]
FieldName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=LONGEST_NAME)]
Confidence: TypeAlias = Literal["official", "reported", "assumed", "observed"]


class _Described(BaseModel, frozen=True):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", defer_build=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class _Part(_Described, frozen=True):
    wire_name: WireName
    """The exact name in requests and answers."""
    name: FieldName | None = None
    """The name of the Python field; by default made from the wire name."""
    description: str = ""
    """The docstring of the field. Discovery only fills an empty one."""
    required: bool = True
    """Whether every job has it."""
    gone: bool = False
    """Whether earlier jobs had it, and none has it now."""

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.name is not None and keyword.iskeyword(self.name):
            raise ValueError(f"{self.name!r} is a Python keyword: choose another name")
        return self


class WorkflowInput(_Part, frozen=True):
    """One parameter of a workflow."""

    kind: Literal["audio", "json", "text", "number", "flag", "choice", "any"]
    """An audio file, a JSON file, a plain value, one of some texts, or anything that JSON can hold."""
    choices: tuple[str, ...] = ()
    """The values of a `choice`."""
    default: str | bool | int | float | None = None
    """The value that is sent if the caller gives none; null for no value."""

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError("choices are required for the kind 'choice', and not allowed for any other")
        kinds: dict[str, type | tuple[type, ...]] = {"number": (int, float), "flag": bool, "any": object}
        fits = isinstance(self.default, kinds.get(self.kind, str))
        fits = fits and (self.kind != "number" or not isinstance(self.default, bool))
        if self.default is not None and (not fits or (self.choices and self.default not in self.choices)):
            raise ValueError(f"the default {self.default!r} doesn't fit the kind {self.kind}")
        return self


class WorkflowOutput(_Part, frozen=True):
    """One output of a workflow."""

    aliases: tuple[WireName, ...] = ()
    """Other wire names that have been seen for it."""
    kind: Literal["audio", "file", "json", "value"]
    """An audio file, a file of another type, a JSON file, or a plain value in the result itself."""
    content: JsonContent | ValueContent | None = None
    """The content of a JSON file or a value. A value may be JSON too, also in a string."""

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if (self.content is None) != (self.kind in {"audio", "file"}):
            raise ValueError(f"an output of kind {self.kind} can't have the content {self.content}")
        if self.kind == "json" and self.content not in JSON_CONTENTS:
            raise ValueError(f"a JSON file can't hold the content {self.content}")
        return self


class WorkflowSchema(_Described, frozen=True):
    """The inputs and outputs of one workflow."""

    json_schema: Annotated[str | None, Field(validation_alias="$schema", serialization_alias="$schema")] = (
        None
    )
    """The location of the schema of this format, for editors."""
    slug: Annotated[str, Field(min_length=1)]
    """The slug, which creates jobs."""
    class_name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9_]*$", max_length=LONGEST_CLASS)] | None = None
    """The name of the Python class; by default made from the slug."""
    title: str = ""
    """The display name."""
    description: str = ""
    """What it does, in a sentence. Discovery only fills an empty one."""
    confidence: Confidence = "observed"
    """The kind of the source: the service's own pages, reports of others, an assumption, or jobs."""
    source: str = ""
    """The source of the inputs and outputs, in plain words."""
    gone: bool = False
    """Whether the account had it earlier, and now neither lists it nor has a job of it."""
    unseen: bool = False
    """Whether no finished job of the account has shown it: the inputs and outputs are built-in knowledge of the slug, or
    none."""
    inputs: tuple[WorkflowInput, ...] = ()
    """The parameters, in the order of the generated fields."""
    outputs: tuple[WorkflowOutput, ...] = ()
    """The outputs, in the order of the generated fields."""

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for parts in (self.inputs, self.outputs):
            for what in ("wire_name", "name"):
                names = [name for part in parts if (name := getattr(part, what)) is not None]
                twice = sorted({name for name in names if names.count(name) > 1})
                if twice:
                    raise ValueError(f"{what} {', '.join(twice)}: more than once")
        return self

    @property
    def learned(self) -> bool:
        """Whether any input or output is known, from finished jobs or from built-in descriptions."""
        return bool(self.inputs or self.outputs)

    def to_json(self) -> str:
        """Returns the text of the file, without values at their defaults."""
        fields = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"


def read_workflow(path: Path) -> WorkflowSchema:
    """Reads one description.

    Raises:
        InputError: it isn't valid; the message names the file and the field.
    """
    try:
        return WorkflowSchema.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path} doesn't describe a workflow: {problems(error, 'the file')}") from None


def read_workflows(paths: Iterable[Path]) -> dict[Path, WorkflowSchema]:
    """Reads descriptions, in the order of their slugs, and ignores schemas of formats (`*.schema.json`).

    Raises:
        InputError: a description isn't valid, or two have the same slug.
    """
    read = {path: read_workflow(path) for path in paths if not path.name.endswith(".schema.json")}
    homes: dict[str, Path] = {}
    for path, workflow in read.items():
        if workflow.slug in homes:
            raise InputError(
                f"{path} and {homes[workflow.slug]} describe the same workflow: remove one of them"
            )
        homes[workflow.slug] = path
    return dict(sorted(read.items(), key=lambda item: item[1].slug))


def format_schema() -> dict[str, Any]:
    """Returns the JSON Schema of this format."""
    schema = WorkflowSchema.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
