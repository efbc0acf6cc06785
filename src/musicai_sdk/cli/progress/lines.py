"""Plain lines on standard error, for pipes and logs: few, and without colours."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from typing_extensions import override

from musicai_sdk.cli.progress.base import Display
from musicai_sdk.cli.progress.wording import count, figures, message_for

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, Progress

_SHARE = 20
"""In a long run the pause between two lines is a twentieth of the time so far."""


class Lines(Display):
    """Writes a line for every failure, and at intervals one with the figures, if they have changed."""

    def __init__(self, *, shortest: float = 5.0, longest: float = 60.0) -> None:
        """Sets the intervals.

        Args:
            shortest: Seconds between two lines with figures at the start.
            longest: The limit of that interval, which grows in a long run.
        """
        super().__init__()
        self._shortest = shortest
        self._longest = longest
        self._end = threading.Event()
        self._drained = False
        self._thread = threading.Thread(target=self._repeat, name="musicai-progress", daemon=True)

    @override
    def __call__(self, event: Event) -> None:
        """Writes what a person should know at once."""
        if (found := message_for(event, drained=self._drained)) is not None:
            self._write(found[1])
        self._drained = self._drained or event.kind == "draining"

    @override
    def start(self) -> None:
        """Starts to write."""
        self._thread.start()

    @override
    def close(self) -> None:
        """Stops; the command itself writes the final figures."""
        self._end.set()
        self._thread.join()

    def _repeat(self) -> None:
        started, last = time.monotonic(), ""
        while not self._end.wait(
            min(self._longest, max(self._shortest, (time.monotonic() - started) / _SHARE))
        ):
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
