"""Reads and writes a folder of descriptions and the module that is made from them."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from musicai_sdk._files import write_text
from musicai_sdk.codegen.emit import HEADER, Style, module_text
from musicai_sdk.codegen.schema import WorkflowSchema, read_workflows
from musicai_sdk.errors import InputError

MODULE = "__init__.py"
"""The module in the folder, which makes the folder a package."""


def write_module(folder: str | os.PathLike[str], style: Style | None = None) -> Path:
    """Writes the module of typed classes for all descriptions (`*.json`) in a folder.

    Args:
        folder: The folder of the descriptions; the module is its `__init__.py`.
        style: The style of the module.

    Returns:
        The module's path.

    Raises:
        InputError: a file doesn't describe a workflow, the existing module wasn't generated, the folder has other files, or
            it can't be written to.
    """
    folder = Path(folder)
    with writing(folder):
        path = checked_module(folder)
        write_text(path, module_text(read_folder(folder).values(), style))
    return path


@contextmanager
def writing(folder: Path) -> Generator[None]:
    """Turns errors of the file system into an `InputError`."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"the package {str(folder)!r} can't be written: {error.strerror} ({str(error.filename)!r}): choose"
            f" another folder"
        ) from None


def checked_module(folder: Path) -> Path:
    """Returns the path of a folder's module.

    Raises:
        InputError: the folder's name can't be imported, its module wasn't generated, or it has files of another kind.
    """
    name = folder.resolve().name
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InputError(
            f"{str(folder)!r} would be a Python package, and {name!r} can't be imported: use letters, digits and _,"
            f" such as {re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_').lower() or 'our'}_workflows"
        )
    for place in (folder, *folder.absolute().parents):
        if place.exists():
            if not place.is_dir():
                raise InputError(f"{str(folder)!r} can't be a folder: {str(place)!r} is a file")
            break
    path = folder / MODULE
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text.startswith(HEADER):
        return path
    if text.strip():
        raise InputError(f"{path} wasn't generated, and is never overwritten: choose another folder")
    others = sorted(file.name for file in folder.glob("*") if not _EXPECTED.fullmatch(file.name))
    if others:
        raise InputError(
            f"the folder {str(folder)!r} has other files ({', '.join(others[:3])}{', …' * (len(others) > 3)}):"
            f" choose a folder of its own, such as {str(folder / 'our_workflows')!r}"
        )
    return path


_EXPECTED = re.compile(r"\..*|__pycache__|py\.typed|.*\.json|" + re.escape(MODULE))
"""The files that a folder may have before its first module: descriptions, and files of tools."""


def read_folder(folder: Path) -> dict[Path, WorkflowSchema]:
    """Returns the descriptions in a folder by path."""
    return read_workflows(sorted(folder.glob("*.json")))


def write_descriptions(folder: Path, workflows: Iterable[WorkflowSchema]) -> None:
    """Writes descriptions, each to the file that it was read from, or to a new one named after its slug."""
    homes = {workflow.slug: path for path, workflow in read_folder(folder).items()}
    taken = {path.name.lower() for path in folder.glob("*.json")}
    for workflow in workflows:
        home = homes.get(workflow.slug)
        if home is None:
            # The slug comes from the server: it must never lead out of the folder.
            name = re.sub(r"[^A-Za-z0-9_-]+", ".", workflow.slug).strip(".")[:100] or "workflow"
            ends = ("" if number == 1 else f"-{number}" for number in count(1))
            home = folder / next(
                f"{name}{end}.json" for end in ends if f"{name}{end}.json".lower() not in taken
            )
            taken.add(home.name.lower())
        write_text(home, workflow.to_json())
