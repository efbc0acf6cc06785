"""A run that knows whether somebody asked for its end."""

from __future__ import annotations

from typing_extensions import override

from musicai_sdk.batch import Batch


class AskedBatch(Batch):
    """Ctrl-C and SIGTERM drain a run, and so does an error that all its tracks would meet."""

    asked: bool = False
    """Whether a signal did, or a reader that went away."""

    @override
    def drain(self) -> None:
        """Ends the run early."""
        self.asked = True
        super().drain()
