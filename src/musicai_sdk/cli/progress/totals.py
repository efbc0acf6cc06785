"""How much there is to do in all, counted beside a run: the run itself reads its inputs as it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from musicai_sdk.batch import Inputs, Progress, Watch, count_inputs
from musicai_sdk.errors import MusicAiError
from musicai_sdk.storage import Bucket


class Expected:
    """A run's progress with the number of all inputs and the time that is left, as soon as they are counted."""

    def __init__(self, progress: Callable[[], Progress], inputs: Inputs, out: Path | Bucket) -> None:
        """Begins to count folders and manifests; a folder that is watched has no end."""
        self._progress = progress
        self._total: int | None = None
        if not isinstance(inputs, Watch):
            threading.Thread(
                target=self._count, args=(inputs, out), name="musicai-count", daemon=True
            ).start()

    def __call__(self) -> Progress:
        """The figures now."""
        progress = self._progress()
        if self._total is None:
            return progress
        known = max(progress.known, self._total - progress.rejected)
        left = max(0, known - progress.done - progress.duplicates - progress.failed)
        return replace(
            progress, known=known, complete=True, eta=left / progress.rate if progress.rate else None
        )

    def _count(self, inputs: Inputs, out: Path | Bucket) -> None:
        try:
            self._total = count_inputs(inputs, out)
        except MusicAiError:
            return  # the run meets it too, and says it
