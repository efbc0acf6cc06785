"""Waveforms: the peaks of short stretches of a file, which is read in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicai_sdk.sandbox.engine.audio import blocks

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import JsonValue

_COLUMNS = 600


def peaks(file: Path) -> dict[str, JsonValue]:
    """Returns `{seconds, peaks}`: at most 600 peaks from 0 to 1.

    Raises:
        WorkflowFailure: the file isn't audio.
    """
    finest: list[float] = []
    frames, rate = 0, 1
    for rate, block in blocks(file):
        step = max(1, rate // 100)
        loudness = abs(block).max(axis=1)
        finest += [round(float(loudness[at : at + step].max()), 3) for at in range(0, len(loudness), step)]
        frames += len(block)
    width = max(1, -(-len(finest) // _COLUMNS))
    return {
        "seconds": frames / rate,
        "peaks": [max(finest[at : at + width]) for at in range(0, len(finest), width)],
    }
