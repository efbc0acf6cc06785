"""The contents of the chords file and the beats file."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.engine.beats import grid_of_changes
from musicai_sdk.sandbox.engine.chords import NO_CHORD
from musicai_sdk.sandbox.engine.spelling import spell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from musicai_sdk.sandbox.engine.beats import BeatGrid
    from musicai_sdk.sandbox.engine.chords import Chord
    from musicai_sdk.sandbox.engine.key import Key


def chord_segments(chords: Sequence[Chord], grid: BeatGrid | None, key: Key | None) -> list[JsonValue]:
    """Returns the segments of the chords file, shaped as the service's (source: real result files).

    Args:
        chords: Contiguous chords.
        grid: The beats; a chord that changes near a beat is taken to change on it. Without a grid, bars are counted by
            the chords' changes; they are null where there is a single segment.
        key: The key that Nashville degrees count from.

    Returns:
        Contiguous segments from where the music starts, times in seconds rounded to hundredths. None is empty, and
        none is like the one before it.
    """
    last = max(round(chords[-1].end, 2), 0.01)
    starts = [round(grid.snap(chord.start) if grid and chord.start else chord.start, 2) for chord in chords]
    edges = [*(min(start, last) for start in starts), last]
    # Snapping can make a chord empty; its neighbours may then be the same chord.
    heard = [
        (chord.label, chord.voicing, start)
        for chord, start, end in zip(chords, edges[:-1], edges[1:], strict=True)
        if end > start
    ]
    merged = [next(group) for _, group in groupby(heard, key=lambda part: part[:2])]
    if len(merged) > 1 and merged[0][0] == NO_CHORD:
        del merged[0]
    times = [*(start for *_, start in merged), last]
    if grid is None and len(merged) > 1:
        grid = grid_of_changes(times)
    segments: list[JsonValue] = []
    for (label, voicing, start), end in zip(merged, times[1:], strict=True):
        start_bar, start_beat = grid.position(start) if grid else (None, None)
        end_bar, end_beat = grid.position(end) if grid else (None, None)
        segments.append(
            {
                "start": start,
                "end": end,
                "start_bar": start_bar,
                "start_beat": start_beat,
                "end_bar": end_bar,
                "end_beat": end_beat,
                **spell(label, key, voicing),
            }
        )
    return segments


def beat_list(grid: BeatGrid | None) -> list[JsonValue]:
    """Returns the entries of the beats file: the time in seconds and the number in the bar of each beat."""
    if grid is None:
        return []
    return [
        {"time": round(float(time), 2), "beatNum": grid.number(index)}
        for index, time in enumerate(grid.times)
    ]
