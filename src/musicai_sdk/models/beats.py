"""The content of a beats file."""

from __future__ import annotations

from musicai_sdk.models._wire import WireModel


class Beat(WireModel, frozen=True):
    """One beat (source: third-party users agree)."""

    time: float
    """When it is, in seconds from the start of the input."""
    beat_num: int
    """Its place in the bar, counted from 1; 1 is a downbeat. `beatNum` on the wire."""

    @property
    def downbeat(self) -> bool:
        """Whether a bar begins with it."""
        return self.beat_num == 1
