"""Infers the inputs and outputs of a workflow from its finished jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from musicai_sdk.codegen.contents import JSON_CONTENTS, recognised
from musicai_sdk.codegen.schema import WorkflowInput, WorkflowOutput
from musicai_sdk.models import CustomStorage, FileUrl, Job, Key, OutputValue, TimeSignature
from musicai_sdk.models.outputs import file_name_in

AUDIO = frozenset({".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".mp4", ".ogg", ".opus", ".wav", ".wma"})
"""File name extensions of audio."""

_NUMBER = re.compile(r"-?\d{1,6}(\.\d+)?")


def infer_inputs(jobs: Sequence[Job[Any]]) -> list[WorkflowInput]:
    """Returns the parameters of the jobs, in the order of their first appearance."""
    given = [job.workflow_params or {} for job in jobs]
    found = list[WorkflowInput]()
    for name in _names(given):
        values = [params[name] for params in given if params.get(name) is not None]
        kinds = {_input_kind(value) for value in values}
        kind = kinds.pop() if len(kinds) == 1 else "any"
        found.append(
            WorkflowInput.model_validate(
                {"wire_name": name, "kind": kind, "required": len(values) == len(given)}
            )
        )
    return found


def infer_outputs(jobs: Sequence[Job[Any]], contents: Mapping[str, str | None]) -> list[WorkflowOutput]:
    """Returns the outputs of the jobs, in the order of their first appearance.

    Args:
        jobs: Finished jobs of one workflow.
        contents: The recognised content of the JSON files, by output.
    """
    results = [job.outputs for job in jobs]
    found = list[WorkflowOutput]()
    for name in _names(results):
        values = [result[name] for result in results if result.get(name) is not None]
        kind, content = output_kind(name, values)
        if kind == "json":
            content = contents.get(name) or "json"
        found.append(
            WorkflowOutput.model_validate(
                {
                    "wire_name": name,
                    "kind": kind,
                    "content": content,
                    "required": len(values) == len(results),
                }
            )
        )
    return found


def output_kind(name: str, values: Sequence[OutputValue]) -> tuple[str, str | None]:
    """Returns the kind of an output, and the content of a plain value; None for files, which have to be read."""
    files = [value for value in values if isinstance(value, FileUrl)]
    if files:
        extensions = {file_name_in(url).suffix.lower() for url in files}
        return ("json" if extensions == {".json"} else "audio" if extensions <= AUDIO else "file"), None
    if values and all(isinstance(value, CustomStorage) for value in values):
        return "file", None
    return "value", _value_content(name, values)


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping if name))


def _input_kind(value: object) -> str:
    if isinstance(value, str):
        if not value.startswith(("https://", "http://")):
            return "text"
        return "json" if file_name_in(value).suffix.lower() == ".json" else "audio"
    return "flag" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "any"


def _value_content(name: str, values: Sequence[OutputValue]) -> str:
    decoded = [_decoded(value) for value in values]
    if decoded and all(isinstance(value, list | dict) for value in decoded):
        shapes = {shape for value in decoded if (shape := recognised(value))}
        return shapes.pop() if len(shapes) == 1 else "json"
    tests: list[tuple[str, Callable[[Any], bool]]] = [
        ("flag", lambda value: isinstance(value, bool)),
        ("number", _is_number),
        ("time_signature", lambda value: isinstance(value, str) and TimeSignature(value).beats is not None),
        ("key", lambda value: isinstance(value, str) and _is_key(name, value)),
        ("text", lambda value: isinstance(value, str) or _is_number(value)),
    ]
    return next((content for content, test in tests if values and all(map(test, values))), "any")


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)


def _is_key(name: str, value: str) -> bool:
    return Key(value).mode is not None and ("key" in name.lower() or "m" in value.lower())


def _decoded(value: OutputValue) -> Any:
    """Returns the value of JSON in a string; other values as they are."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def widest(kinds: Collection[str]) -> str:
    """Returns the kind that fits values of all these kinds."""
    if len(kinds) == 1:
        return next(iter(kinds))
    return "json" if all(kind in JSON_CONTENTS for kind in kinds) else "any"
