"""What a workflow function of the sandbox gets, gives back and raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pydantic import JsonValue

Output: TypeAlias = Path | JsonValue
"""One output of a workflow: a file (its suffix becomes the suffix of the result URL) or a plain JSON value."""


class WorkflowFailure(Exception):  # noqa: N818 - it ends one job, not the program
    """Ends a job as FAILED; the three texts become the job's `error` object."""

    def __init__(self, code: str, title: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.title = title
        self.message = message


def bad_input(message: str) -> WorkflowFailure:
    """The failure of a job whose input is missing, unreachable or unreadable."""
    return WorkflowFailure("BAD_INPUT", "Invalid input", message)


@dataclass(frozen=True)
class Task:
    """One job at work."""

    params: Mapping[str, JsonValue]
    """The job's `params`, as they were sent."""
    folder: Path
    """A scratch folder of this job alone; file outputs are written here."""
    fetch: Callable[[str], Path]
    """Downloads the URL in the named parameter; raises the BAD_INPUT `WorkflowFailure` when it can't."""


Handler: TypeAlias = Callable[[Task], Mapping[str, Output]]
"""A workflow: from a task to its outputs by wire name."""
