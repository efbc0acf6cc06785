"""The content of a beats file."""

from __future__ import annotations

from musicai_sdk.models._lenient import Maybe, Seconds
from musicai_sdk.models._wire import WireModel


class Beat(WireModel, frozen=True):
    """One beat (source: third-party users agree)."""

    time: Seconds
    """When it is, in seconds from the start of the input."""
    beat_num: Maybe[int] = None
    """Its place in the bar, counted from 1; 1 is a downbeat. None when the file doesn't say. `beatNum` on the wire."""

    @property
    def downbeat(self) -> bool:
        """Whether a bar begins with it."""
        return self.beat_num == 1
