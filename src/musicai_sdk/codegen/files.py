"""A folder of descriptions and the module that is made from them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from musicai_sdk.codegen.emit import HEADER, Style, module_text
from musicai_sdk.codegen.schema import WorkflowSchema, read_workflows
from musicai_sdk.errors import InputError

MODULE = "__init__.py"
"""The module in the folder, which makes the folder a package."""


def write_module(folder: str | os.PathLike[str], style: Style | None = None) -> Path:
    """Writes the module of typed classes for all descriptions (`*.json`) in a folder.

    Args:
        folder: Where the descriptions are; the module is its `__init__.py`.
        style: How it is written.

    Returns:
        The module's path.

    Raises:
        InputError: a file doesn't describe a workflow, or the module isn't one that was generated.
    """
    path = checked_module(Path(folder))
    path.write_text(module_text(read_folder(Path(folder)).values(), style), encoding="utf-8")
    return path


def checked_module(folder: Path) -> Path:
    """The path of a folder's module; `InputError` if somebody else's text is there."""
    path = folder / MODULE
    if path.exists():
        text = path.read_text(encoding="utf-8")
        if text.strip() and not text.startswith(HEADER):
            raise InputError(f"{path} wasn't generated: it stays as it is; give another folder")
    return path


def read_folder(folder: Path) -> dict[Path, WorkflowSchema]:
    """The descriptions in a folder, by path."""
    return read_workflows(sorted(folder.glob("*.json")))


def write_descriptions(folder: Path, workflows: Iterable[WorkflowSchema]) -> None:
    """Writes descriptions, each to the file that it came from, or to a new one named after its slug."""
    homes = {workflow.slug: path for path, workflow in read_folder(folder).items()}
    taken = {path.name.lower() for path in folder.glob("*.json")}
    for workflow in workflows:
        home = homes.get(workflow.slug)
        if home is None:
            # A slug is the server's word: it never leads out of the folder.
            name = re.sub(r"[^A-Za-z0-9_-]+", ".", workflow.slug).strip(".")[:100] or "workflow"
            ends = ("" if number == 1 else f"-{number}" for number in count(1))
            home = folder / next(
                f"{name}{end}.json" for end in ends if f"{name}{end}.json".lower() not in taken
            )
            taken.add(home.name.lower())
        home.write_text(workflow.to_json(), encoding="utf-8")
