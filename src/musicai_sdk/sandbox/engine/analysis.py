"""The work of the workflows on a decoded file. Imports numpy, which `workflows` does not."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.engine.audio import Audio, WavWriter, analysis_signal, decode
from musicai_sdk.sandbox.engine.beats import find_beats
from musicai_sdk.sandbox.engine.chords import find_chords
from musicai_sdk.sandbox.engine.key import find_key
from musicai_sdk.sandbox.engine.segments import beat_list, chord_segments
from musicai_sdk.sandbox.engine.separation import split_drums, split_percussive, split_vocals

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic import JsonValue

    from musicai_sdk.sandbox.engine.audio import F32
    from musicai_sdk.sandbox.engine.task import Output


def chords_and_beats(file: Path, folder: Path) -> dict[str, Output]:
    """Finds chords, beats, key and tempo."""
    audio = decode(file, mono=True)
    signal, seconds = analysis_signal(audio), audio.seconds
    del audio  # Most of the memory, for a long file.
    chords = find_chords(signal, seconds)
    grid, key = find_beats(signal, chords), find_key(chords)
    return {
        "chords": _json_file(folder / "chords.json", chord_segments(chords, grid, key)),
        "beats": _json_file(folder / "beats.json", beat_list(grid)),
        "key": str(key) if key else None,
        # Text, as the service sends it (source: README samples and users).
        "bpm": str(grid.bpm) if grid else None,
    }


def drums(file: Path, folder: Path) -> dict[str, Output]:
    """Splits kick and snare drum from the rest."""
    audio = decode(file)
    return _wav_files(folder, audio, ["Kick drum", "Snare drum", "Other"], split_drums(audio))


def percussive(file: Path, folder: Path) -> dict[str, Output]:
    """Splits percussive from harmonic sounds."""
    audio = decode(file)
    return _wav_files(folder, audio, ["drums", "other"], split_percussive(audio))


def vocals(file: Path, folder: Path) -> dict[str, Output]:
    """Splits the voice in the centre from the rest."""
    audio = decode(file)
    return _wav_files(folder, audio, ["vocals", "accompaniment"], split_vocals(audio))


def _json_file(path: Path, content: list[JsonValue]) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _wav_files(
    folder: Path, audio: Audio, names: list[str], blocks: Iterable[list[F32]]
) -> dict[str, Output]:
    paths = {name: folder / f"{name}.wav" for name in names}
    with ExitStack() as stack:
        writers = [
            stack.enter_context(WavWriter(path, audio.rate, len(audio.samples))) for path in paths.values()
        ]
        for parts in blocks:
            for writer, part in zip(writers, parts, strict=True):
                writer.write(part)
    return {**paths}
