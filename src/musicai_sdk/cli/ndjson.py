"""Events for programs: one JSON object in each line of standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from typing_extensions import override

from musicai_sdk._platform import json_text
from musicai_sdk.batch.progress.base import Display

if TYPE_CHECKING:
    from musicai_sdk.batch import Event


class Ndjson(Display):
    """Writes every event at once."""

    def __init__(self) -> None:
        super().__init__()
        self._broken: BrokenPipeError | None = None

    @override
    def __call__(self, event: Event) -> None:
        """Writes an event. When the reader of the output is gone, the run is drained."""
        if self._broken is not None:
            return
        try:
            sys.stdout.write(json_text(event.to_dict(), sys.stdout) + "\n")
            sys.stdout.flush()
        except BrokenPipeError as error:
            # Raising it here would interrupt a track in the middle of a step.
            self._broken = error
            if self._drain is not None:
                self._drain()

    @override
    def close(self) -> None:
        """Raises `BrokenPipeError` if the reader is gone."""
        if self._broken is not None:
            raise self._broken
