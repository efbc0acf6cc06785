"""Plain lines on standard error, for pipes and logs: few, and without colours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from typing_extensions import override

from musicai_sdk._progress import Ticker, write_line
from musicai_sdk.batch.progress.base import Display
from musicai_sdk.batch.progress.phrases import count, figures, message_for

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, Progress

_SHARE = 20
"""In a long run the pause between two lines is a twentieth of the time so far."""


class Lines(Display):
    """Writes a line for every failure, and at intervals one with the figures, if they have changed."""

    def __init__(self, *, shortest: float = 5.0, longest: float = 60.0, final: bool = False) -> None:
        """Sets the intervals.

        Args:
            shortest: Seconds between two lines with figures at the start.
            longest: The limit of that interval, which grows in a long run.
            final: Whether the final figures are written too.
        """
        super().__init__()
        self._shortest = shortest
        self._longest = longest
        self._final = final
        self._drained = False
        self._line = ""
        self._began = 0.0
        self._ticker = Ticker(self._show, self._pause)

    @override
    def __call__(self, event: Event) -> None:
        """Writes what a person should know at once."""
        if (found := message_for(event, drained=self._drained)) is not None:
            write_line(found[1])
        self._drained = self._drained or event.kind == "draining"

    @override
    def start(self) -> None:
        """Starts to write."""
        self._began = time.monotonic()
        self._ticker.start()

    @override
    def close(self) -> None:
        """Stops."""
        self._ticker.close()
        if self._final:
            self._show()

    def _pause(self) -> float:
        return min(self._longest, max(self._shortest, (time.monotonic() - self._began) / _SHARE))

    def _show(self) -> None:
        if self._progress is None:
            return
        progress = self._progress()
        line = ", ".join([f"{count(progress)} done", *_failed(progress), *figures(progress)])
        if line != self._line:
            write_line(line)
            self._line = line


def _failed(progress: Progress) -> list[str]:
    return [f"{progress.failed:,} failed"] if progress.failed else []
