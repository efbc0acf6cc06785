"""The argument and the result of a workflow function of the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue

# Public names of this module.
from musicai_sdk.sandbox.engine.failure import WorkflowFailure as WorkflowFailure
from musicai_sdk.sandbox.engine.failure import bad_input as bad_input

if TYPE_CHECKING:
    from musicai_sdk.sandbox.engine.audio import Audio

Output: TypeAlias = Path | JsonValue
"""One output of a workflow: a file (its suffix becomes that of the result URL) or a plain JSON value."""


@dataclass(frozen=True)
class Task:
    """One job."""

    params: Mapping[str, JsonValue]
    """The job's `params`, as they were sent."""
    folder: Path
    """A scratch folder of this job, for its file outputs."""
    fetch: Callable[[str], Path]
    """Downloads the URL in a parameter; raises a `WorkflowFailure` with BAD_INPUT if it is missing or has no file."""
    unwanted: Callable[[], bool] = lambda: False
    """Whether the job was deleted or the sandbox is stopping, so that long work can end early."""

    def audio(self, name: str) -> Audio:
        """Downloads the URL in a parameter, and decodes it.

        Raises:
            WorkflowFailure: BAD_INPUT, if there is no audio.
        """
        from musicai_sdk.sandbox.engine.audio import decode  # Imports numpy.

        return decode(self.fetch(name))


Handler: TypeAlias = Callable[[Task], Mapping[str, Output]]
"""A workflow function: takes a task, returns its outputs by wire name."""
