"""The voicing of a recognised triad: its seventh, and the bass note of a slash chord."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

import numpy as np

from musicai_sdk.sandbox.engine.chroma import FRAMES_PER_SECOND, bass_classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicai_sdk.sandbox.engine.audio import F32
    from musicai_sdk.sandbox.engine.chroma import Chroma

MINOR_SEVENTH = 10
MAJOR_SEVENTH = 11

# The least strength of a seventh against the strongest pitch class, for major and for minor triads. Some sevenths are
# overtones of the triad itself: a major third and a fifth have the major seventh among theirs (up to 0.35), a minor third
# the minor seventh (up to 0.31). The minor seventh of a major triad only comes from melodies (up to 0.16).
_MAJOR_FLOORS: Final = {MINOR_SEVENTH: 0.22, MAJOR_SEVENTH: 0.36}
_MINOR_FLOORS: Final = {MINOR_SEVENTH: 0.37}
# The share of the time for which a note that isn't the root has to be the lowest: a bass line passes through many.
_BASS_SHARE = 0.6


@dataclass(frozen=True)
class Voicing:
    """The notes of a chord besides its triad."""

    seventh: int | None = None
    """Semitones above the root: `MINOR_SEVENTH`, `MAJOR_SEVENTH`, or None."""
    bass: int | None = None
    """The pitch class of the lowest note where it is another note of the chord than the root, 0 for C; else None."""


TRIAD: Final = Voicing()
"""A triad with its root in the bass."""


class VoicingFinder:
    """Finds sevenths and basses in a signal.

    Args:
        signal: Mono, shape (n,), at `ANALYSIS_RATE`.
        features: Its pitch classes.
    """

    def __init__(self, signal: F32, features: Chroma) -> None:
        strongest = np.maximum(features.classes.max(axis=1, keepdims=True), 1e-9)
        self._relative: F32 = (features.classes / strongest).astype(np.float32)
        self._bass: NDArray[np.intp] = bass_classes(signal, features)

    def of(self, start: float, end: float, root: int, *, minor: bool) -> Voicing:
        """Returns the voicing of a chord.

        Args:
            start: Where the chord begins, in seconds.
            end: Where it ends, in seconds.
            root: Its root's pitch class, 0 for C.
            minor: Whether it is a minor chord.
        """
        first = ceil(start * FRAMES_PER_SECOND)
        frames = slice(first, max(first + 1, int(end * FRAMES_PER_SECOND)))
        # The median: a passing note isn't part of the chord.
        strength = np.median(np.roll(self._relative[frames], -root, axis=1), axis=0)
        floors = _MINOR_FLOORS if minor else _MAJOR_FLOORS
        heard = {each: float(strength[each]) for each, floor in floors.items() if strength[each] >= floor}
        seventh = max(heard, key=lambda each: heard[each], default=None)
        sounding = self._bass[frames]
        others = [each for each in (3 if minor else 4, 7, seventh) if each is not None]
        shares = {each: np.count_nonzero(sounding == (root + each) % 12) / len(sounding) for each in others}
        bass = max(shares, key=lambda each: shares[each])
        return Voicing(seventh, (root + bass) % 12 if shares[bass] >= _BASS_SHARE else None)
