"""The content of a beats file."""

from __future__ import annotations

from musicai_sdk.models._lenient import Maybe, Seconds
from musicai_sdk.models._wire import WireModel


class Beat(WireModel, frozen=True):
    """One beat (source: third-party users agree)."""

    time: Seconds
    """Seconds from the start of the input."""
    beat_num: Maybe[int] = None
    """The number of the beat in its bar, from 1; 1 is a downbeat. None if unknown. `beatNum` on the wire."""

    @property
    def downbeat(self) -> bool:
        """Whether the beat begins a bar."""
        return self.beat_num == 1
