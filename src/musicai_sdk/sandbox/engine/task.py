"""What a workflow function of the sandbox gets and gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue

# Where workflow functions have always found it.
from musicai_sdk.sandbox.engine.failure import WorkflowFailure as WorkflowFailure
from musicai_sdk.sandbox.engine.failure import bad_input as bad_input

if TYPE_CHECKING:
    from musicai_sdk.sandbox.engine.audio import Audio

Output: TypeAlias = Path | JsonValue
"""One output of a workflow: a file (its suffix becomes the suffix of the result URL) or a plain JSON value."""


@dataclass(frozen=True)
class Task:
    """One job at work."""

    params: Mapping[str, JsonValue]
    """The job's `params`, as they were sent."""
    folder: Path
    """A scratch folder of this job alone; file outputs are written here."""
    fetch: Callable[[str], Path]
    """Downloads the URL in the named parameter; raises the BAD_INPUT `WorkflowFailure` when it can't."""
    unwanted: Callable[[], bool] = lambda: False
    """Tells that the job was deleted or the sandbox is being stopped, so that long work can end early."""

    def audio(self, name: str) -> Audio:
        """Downloads and decodes the audio that the URL in the named parameter leads to.

        Raises:
            WorkflowFailure: BAD_INPUT, if it can't be had or isn't audio.
        """
        from musicai_sdk.sandbox.engine.audio import decode  # Imports numpy.

        return decode(self.fetch(name))


Handler: TypeAlias = Callable[[Task], Mapping[str, Output]]
"""A workflow: from a task to its outputs by wire name."""
