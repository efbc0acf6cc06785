"""JSON Schemas of the result files, made from the models."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

from pydantic import BaseModel, TypeAdapter

from musicai_sdk.codegen.contents import CONTENTS
from musicai_sdk.models import Beat, Chord, LyricLine, Section, Syllable, Word

RESULTS: dict[str, str] = {
    "chords": "The content of a chords file: segments that follow each other without gaps.",
    "beats": "The content of a beats file.",
    "sections": "The content of a sections file: the parts of the form of a song.",
    "lyrics": "The content of a lyrics file: lines, with words and syllables where the workflow gives them.",
    "language": "The detailed output of a language identification; the service publishes no shape, so any JSON fits.",
}
"""The contents that have a schema of their own, and their descriptions."""

_MODELS: tuple[type[BaseModel], ...] = (Beat, Chord, LyricLine, Section, Syllable, Word)


def result_schema(content: str) -> dict[str, Any]:
    """Returns the JSON Schema of a content. Unknown fields are allowed, because the service may add some."""
    schema = TypeAdapter[Any](CONTENTS[content].value).json_schema(by_alias=True)
    for model in _MODELS:
        definition = schema.get("$defs", {}).get(model.__name__)
        if definition is not None:
            _describe(definition, model)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": content.capitalize(),
        "description": RESULTS[content],
        **schema,
    }


def _describe(definition: dict[str, Any], model: type[BaseModel]) -> None:
    """Adds the docstrings of the fields, which pydantic's schemas lack."""
    statements = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(statements, ast.ClassDef)
    for field, text in zip(statements.body, statements.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as doc)),
            ) if name in model.model_fields:
                wire_name = model.model_fields[name].alias or name
                definition["properties"][wire_name]["description"] = inspect.cleandoc(doc)
            case _:
                pass
