"""The total number of inputs, counted in a thread: the run itself reads its inputs one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from musicai_sdk.batch.dry_run import count_inputs
from musicai_sdk.batch.events import Progress
from musicai_sdk.batch.inputs.kinds import SINGLE, Inputs, Watch
from musicai_sdk.errors import MusicAiError
from musicai_sdk.storage import Bucket


class ProgressWithTotal:
    """A run's progress with the total number of inputs and the remaining time, once the inputs are counted."""

    def __init__(self, progress: Callable[[], Progress], inputs: Inputs, out: Path | Bucket) -> None:
        """Starts to count, if the inputs have a total and can be read twice: an iterator would be consumed."""
        self._progress = progress
        self._total: int | None = None
        sources = inputs if isinstance(inputs, list | tuple) else (inputs,)
        if all(isinstance(each, SINGLE) and not isinstance(each, Watch) for each in sources):
            threading.Thread(
                target=self._count, args=(inputs, out), name="musicai-count", daemon=True
            ).start()

    def __call__(self) -> Progress:
        """The figures now."""
        progress = self._progress()
        if self._total is None:
            return progress
        known = max(progress.known, self._total - progress.rejected)
        left = max(0, known - progress.done - progress.duplicates - progress.failed - progress.waiting)
        return replace(
            progress, known=known, complete=True, eta=left / progress.rate if progress.rate else None
        )

    def _count(self, inputs: Inputs, out: Path | Bucket) -> None:
        try:
            self._total = count_inputs(inputs, out)
        except MusicAiError:
            return  # the run reports the same error
