"""The format of a workflow's description: one JSON file per workflow."""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from musicai_sdk.codegen.contents import JSON_CONTENTS, JsonContent, ValueContent
from musicai_sdk.errors import InputError

LONGEST_NAME = 36
"""Characters of a field's name: the longest with which every generated line can be broken as ruff would."""
LONGEST_CLASS = 50
"""Characters of a class's name."""

WireName: TypeAlias = Annotated[str, Field(min_length=1)]
FieldName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=LONGEST_NAME)]
Confidence: TypeAlias = Literal["official", "reported", "assumed", "observed"]


class _Described(BaseModel, frozen=True):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", defer_build=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class _Part(_Described, frozen=True):
    wire_name: WireName
    """The name in requests and answers, to the letter."""
    name: FieldName | None = None
    """The name of the Python field; made from the wire name when left out."""
    description: str = ""
    """What it is, in a sentence; the field's documentation. Discovery never changes one that isn't empty."""
    required: bool = True
    """Whether every job has it."""
    gone: bool = False
    """Whether discovery knows it from earlier and no job has it any more."""

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.name is not None and keyword.iskeyword(self.name):
            raise ValueError(f"{self.name!r} is a Python keyword: give another name")
        return self


class WorkflowInput(_Part, frozen=True):
    """One parameter of a workflow."""

    kind: Literal["audio", "json", "text", "number", "flag", "choice", "any"]
    """An audio file, a JSON file, a plain value, one of some texts, or anything that JSON can hold."""
    choices: tuple[str, ...] = ()
    """What a `choice` can be."""
    default: str | bool | int | float | None = None
    """What is sent when the caller gives nothing; null for nothing."""

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError("a choice, and only a choice, has choices")
        kinds: dict[str, type | tuple[type, ...]] = {"number": (int, float), "flag": bool, "any": object}
        fits = isinstance(self.default, kinds.get(self.kind, str))
        fits = fits and (self.kind != "number" or not isinstance(self.default, bool))
        if self.default is not None and (not fits or (self.choices and self.default not in self.choices)):
            raise ValueError(f"the default {self.default!r} doesn't fit the kind {self.kind}")
        return self


class WorkflowOutput(_Part, frozen=True):
    """One output of a workflow."""

    aliases: tuple[WireName, ...] = ()
    """Other wire names under which it has been seen."""
    kind: Literal["audio", "file", "json", "value"]
    """An audio file, a file of another type, a JSON file, or a plain value in the result itself."""
    content: JsonContent | ValueContent | None = None
    """What is in a JSON file or a value; a value may hold JSON too, also written into a string."""

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if (self.content is None) != (self.kind in {"audio", "file"}):
            raise ValueError(f"an output of kind {self.kind} can't have the content {self.content}")
        if self.kind == "json" and self.content not in JSON_CONTENTS:
            raise ValueError(f"a JSON file can't hold the content {self.content}")
        return self


class WorkflowSchema(_Described, frozen=True):
    """What one workflow takes and gives."""

    json_schema: Annotated[str | None, Field(validation_alias="$schema", serialization_alias="$schema")] = (
        None
    )
    """Where the schema of this format is, for editors."""
    slug: Annotated[str, Field(min_length=1)]
    """What jobs are created with."""
    class_name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9_]*$", max_length=LONGEST_CLASS)] | None = None
    """The name of the Python class; made from the slug when left out."""
    title: str = ""
    """The display name."""
    description: str = ""
    """What it does. Discovery never changes one that isn't empty."""
    confidence: Confidence = "observed"
    """Whether inputs and outputs come from the service's own pages, from what others use, from a guess, or from jobs."""
    source: str = ""
    """Where that is known from, in plain words."""
    gone: bool = False
    """Whether discovery knows it from earlier and the account neither lists it nor has a job of it."""
    unseen: bool = False
    """Whether no finished job of the account has shown it yet, so that what is described is the built-in knowledge of
    its slug, or nothing."""
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
        """Whether anything is known of what it takes or gives, from finished jobs or from the built-in descriptions."""
        return bool(self.inputs or self.outputs)

    def to_json(self) -> str:
        """The file's text: everything that isn't at its default."""
        fields = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"


def read_workflow(path: Path) -> WorkflowSchema:
    """Reads one description.

    Raises:
        InputError: it isn't one; the text names the file and the field.
    """
    try:
        return WorkflowSchema.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise InputError(f"{path} doesn't describe a workflow: {'; '.join(problems)}") from None


def read_workflows(paths: Iterable[Path]) -> dict[Path, WorkflowSchema]:
    """Reads descriptions, in the order of their slugs; schemas of formats (`*.schema.json`) are left out.

    Raises:
        InputError: one isn't a description, or two have the same slug.
    """
    read = {path: read_workflow(path) for path in paths if not path.name.endswith(".schema.json")}
    homes: dict[str, Path] = {}
    for path, workflow in read.items():
        if workflow.slug in homes:
            raise InputError(f"{path} and {homes[workflow.slug]} describe the same workflow")
        homes[workflow.slug] = path
    return dict(sorted(read.items(), key=lambda item: item[1].slug))


def format_schema() -> dict[str, Any]:
    """The JSON Schema of this format."""
    schema = WorkflowSchema.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
