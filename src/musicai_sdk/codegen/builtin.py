"""The built-in descriptions of workflows that every account may have: those in `schemas/workflows`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from musicai_sdk.codegen.schema import WorkflowSchema

FILE = "builtin.json"
"""The file beside this module that holds the descriptions; scripts/generate writes it."""

_WORKFLOWS = TypeAdapter(list[WorkflowSchema])


@cache
def builtin_workflows() -> Mapping[str, WorkflowSchema]:
    """Returns the built-in descriptions by slug."""
    data = files("musicai_sdk.codegen").joinpath(FILE).read_bytes()
    return {workflow.slug: workflow for workflow in _WORKFLOWS.validate_json(data)}


def builtin_text(workflows: Iterable[WorkflowSchema]) -> str:
    """Returns the text of the file for these descriptions."""
    unseen = [workflow.model_copy(update={"json_schema": None, "unseen": True}) for workflow in workflows]
    return _WORKFLOWS.dump_json(unseen, by_alias=True, exclude_defaults=True, indent=2).decode() + "\n"
