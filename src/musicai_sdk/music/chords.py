"""Chords at a time, and as other tools read them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from musicai_sdk.models import Chord


def chord_at(chords: Sequence[Chord], time: float) -> Chord | None:
    """The chord that sounds at a time; where one ends, the next begins.

    Args:
        chords: In the order of time, as results have them.
        time: In seconds from the start of the input.

    Returns:
        The chord, which may be no chord (`N`); None before the first and from the end of the last on.
    """
    place = bisect_right(chords, time, key=lambda chord: chord.start) - 1
    return chords[place] if place >= 0 and time < chords[place].end else None


def labelled_intervals(chords: Sequence[Chord]) -> tuple[list[tuple[float, float]], list[str]]:
    """Chords as mir_eval takes them: starts and ends in seconds, and the labels in major and minor.

    `mir_eval.chord.evaluate` wants the intervals as an array: `numpy.array(intervals)`.

    Args:
        chords: In the order of time.
    """
    return [(chord.start, chord.end) for chord in chords], [chord.chord_majmin for chord in chords]


def to_lab(chords: Sequence[Chord]) -> str:
    """Chords as the text of a `.lab` file: start, end and label on each line, with tabs between.

    Args:
        chords: In the order of time; the labels are those in major and minor (`E:maj`, `C#:min`, `N`).
    """
    return "".join(f"{chord.start!r}\t{chord.end!r}\t{chord.chord_majmin}\n" for chord in chords)
