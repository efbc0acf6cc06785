"""The contents of the chords file and the beats file."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.engine.spelling import spell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from musicai_sdk.sandbox.engine.beats import BeatGrid
    from musicai_sdk.sandbox.engine.chords import Chord
    from musicai_sdk.sandbox.engine.key import Key


def _place(grid: BeatGrid | None, time: float) -> tuple[int, int] | tuple[None, None]:
    return grid.position(time) if grid else (None, None)


def chord_segments(chords: Sequence[Chord], grid: BeatGrid | None, key: Key | None) -> list[JsonValue]:
    """The segments of the chords file.

    Args:
        chords: Contiguous chords.
        grid: The beats; a chord that changes near a beat is taken to change on it. Without a grid the bars
            and beats are null.
        key: What the Nashville degrees are relative to.

    Returns:
        Contiguous segments, times in seconds rounded to hundredths, none of them empty.
    """
    last = max(round(chords[-1].end, 2), 0.01)
    starts = [round(grid.snap(chord.start) if grid and chord.start else chord.start, 2) for chord in chords]
    edges = [*(min(start, last) for start in starts), last]
    # Snapping can leave a chord no time at all; its neighbours may then be the same chord.
    heard = [
        (chord.label, start)
        for chord, start, end in zip(chords, edges[:-1], edges[1:], strict=True)
        if end > start
    ]
    merged = [next(group) for _, group in groupby(heard, key=lambda part: part[0])]
    ends = [*(start for _, start in merged[1:]), last]
    segments: list[JsonValue] = []
    for (label, start), end in zip(merged, ends, strict=True):
        start_bar, start_beat = _place(grid, start)
        end_bar, end_beat = _place(grid, end)
        segments.append(
            {
                "start": start,
                "end": end,
                "start_bar": start_bar,
                "start_beat": start_beat,
                "end_bar": end_bar,
                "end_beat": end_beat,
                **spell(label, key),
            }
        )
    return segments


def beat_list(grid: BeatGrid | None) -> list[JsonValue]:
    """The entries of the beats file: the time in seconds and the number in the bar of each beat."""
    if grid is None:
        return []
    return [
        {"time": round(float(time), 2), "beatNum": grid.number(index)}
        for index, time in enumerate(grid.times)
    ]
