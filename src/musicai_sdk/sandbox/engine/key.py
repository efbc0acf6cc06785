"""The key, from how long each chord sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from musicai_sdk.sandbox.engine.chords import LABELS, NO_CHORD, PITCHES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicai_sdk.sandbox.engine.chords import Chord

# The weight of a second of each chord for a key: (semitones above the tonic, is minor) -> weight.
_IN_MAJOR = {
    (0, False): 3.0,
    (7, False): 2.2,
    (5, False): 2.0,
    (9, True): 1.4,
    (2, True): 1.4,
    (4, True): 1.0,
}
_IN_MINOR = {
    (0, True): 3.0,
    (5, True): 2.0,
    (7, False): 2.2,
    (7, True): 1.4,
    (8, False): 1.4,
    (10, False): 1.4,
    (3, False): 1.2,
}
# The extra weight of the first and the last chord, as a share of the song.
_ENDS = 0.1


@dataclass(frozen=True)
class Key:
    """A major or minor key."""

    tonic: int
    """The pitch class, 0 is C."""
    minor: bool
    """Whether it is minor."""

    @override
    def __str__(self) -> str:
        return f"{PITCHES[self.tonic]} {'minor' if self.minor else 'major'}"


def find_key(chords: Sequence[Chord]) -> Key | None:
    """Returns the key whose chords sound longest; None if there are no chords."""
    sounding = [chord for chord in chords if chord.label != NO_CHORD]
    if not sounding:
        return None
    seconds = dict.fromkeys(LABELS, 0.0)
    for chord in sounding:
        seconds[chord.label] += chord.end - chord.start
    bonus = _ENDS * sum(seconds.values())
    for chord in (sounding[0], sounding[-1]):
        seconds[chord.label] += bonus

    def score(key: Key) -> float:
        weights = _IN_MINOR if key.minor else _IN_MAJOR
        return sum(
            weight * seconds[LABELS[(key.tonic + interval) % 12 + 12 * minor]]
            for (interval, minor), weight in weights.items()
        )

    return max((Key(tonic, minor) for minor in (False, True) for tonic in range(12)), key=score)
