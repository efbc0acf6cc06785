"""Events for programs: a JSON object in each line of standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from musicai_sdk._platform import json_text

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, Progress


class Ndjson:
    """Writes every event as it happens."""

    def __init__(self) -> None:
        self._drain: Callable[[], object] | None = None
        self._deaf: BrokenPipeError | None = None

    def __call__(self, event: Event) -> None:
        """Writes an event."""
        self._write(event.to_dict())

    def follow(self, progress: Callable[[], Progress], drain: Callable[[], object]) -> None:  # noqa: ARG002
        """Says how the run is ended when nobody reads any more."""
        self._drain = drain

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tells the command that its reader is gone, if it is."""
        if self._deaf is not None:
            raise self._deaf

    def _write(self, value: dict[str, Any]) -> None:
        if self._deaf is not None:
            return
        try:
            sys.stdout.write(json_text(value, sys.stdout) + "\n")
            sys.stdout.flush()
        except BrokenPipeError as error:
            # Raised here it would break a track in the middle of a step.
            self._deaf = error
            if self._drain is not None:
                self._drain()
