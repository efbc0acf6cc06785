"""The chord at a given time, and the formats of other tools."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from musicai_sdk.models import Chord


def chord_at(chords: Sequence[Chord], time: float) -> Chord | None:
    """The chord at a given time. A chord excludes its end, where the next one starts.

    Args:
        chords: Sorted by time, as in results.
        time: In seconds from the start of the input.

    Returns:
        The chord, possibly `N` for no chord; None before the first chord and after the last one.
    """
    index = bisect_right(chords, time, key=lambda chord: chord.start) - 1
    return chords[index] if index >= 0 and time < chords[index].end else None


def labelled_intervals(chords: Sequence[Chord]) -> tuple[list[tuple[float, float]], list[str]]:
    """Chords in the form of mir_eval: starts and ends in seconds, and labels in major and minor.

    `mir_eval.chord.evaluate` needs the intervals as an array: `numpy.array(intervals)`.

    Args:
        chords: Sorted by time.
    """
    return [(chord.start, chord.end) for chord in chords], [chord.chord_majmin for chord in chords]


def to_lab(chords: Sequence[Chord]) -> str:
    """Chords as the text of a `.lab` file: start, end and label on each line, separated by tabs.

    Args:
        chords: Sorted by time. The labels are those in major and minor (`E:maj`, `C#:min`, `N`).
    """
    return "".join(f"{chord.start!r}\t{chord.end!r}\t{chord.chord_majmin}\n" for chord in chords)
