"""Plain lines on standard error: for pipes and logs, without colours, and not too many."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from musicai_sdk.cli.progress.wording import count, figures, told

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, Progress

_RARER = 20
"""A long run tells less often: its lines come after a twentieth of the time it has taken."""


class Lines:
    """A line for every failure, and one with the figures now and then, if they have changed."""

    def __init__(self, *, least: float = 5.0, most: float = 60.0) -> None:
        """Sets the pace.

        Args:
            least: Seconds between two lines with figures at the beginning.
            most: The same, later in a long run.
        """
        self._least = least
        self._most = most
        self._progress: Callable[[], Progress] | None = None
        self._end = threading.Event()
        self._drained = False
        self._thread = threading.Thread(target=self._tell, name="musicai-progress", daemon=True)

    def __call__(self, event: Event) -> None:
        """Writes what a person should know at once."""
        if (found := told(event, drained=self._drained)) is not None:
            self._write(found[1])
        self._drained = self._drained or event.kind == "draining"

    def follow(self, progress: Callable[[], Progress], drain: Callable[[], object]) -> None:  # noqa: ARG002
        """Says where the figures are."""
        self._progress = progress

    def __enter__(self) -> Self:
        """Begins to write."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Writes no more; the figures at the end are the command's to tell."""
        self._end.set()
        self._thread.join()

    def _tell(self) -> None:
        began, last = time.monotonic(), ""
        while not self._end.wait(min(self._most, max(self._least, (time.monotonic() - began) / _RARER))):
            if self._progress is None:
                continue
            progress = self._progress()
            line = ", ".join([f"{count(progress)} done", *_failed(progress), *figures(progress)])
            if line != last:
                self._write(line)
                last = line

    def _write(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _failed(progress: Progress) -> list[str]:
    return [f"{progress.failed:,} failed"] if progress.failed else []
