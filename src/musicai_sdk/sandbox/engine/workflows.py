"""The workflows that the sandbox models, by slug."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.engine.audio import Audio, WavWriter, analysis_signal, decode
from musicai_sdk.sandbox.engine.beats import find_beats
from musicai_sdk.sandbox.engine.chords import find_chords
from musicai_sdk.sandbox.engine.key import find_key
from musicai_sdk.sandbox.engine.segments import beat_list, chord_segments
from musicai_sdk.sandbox.engine.separation import split_drums, split_vocals
from musicai_sdk.sandbox.engine.task import bad_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic import JsonValue

    from musicai_sdk.sandbox.engine.audio import F32
    from musicai_sdk.sandbox.engine.task import Handler, Output, Task


def _input(task: Task, name: str) -> Path:
    if not isinstance(task.params.get(name), str):
        raise bad_input(f"The workflow needs the parameter {name!r}: the URL of an audio file.")
    return task.fetch(name)


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


def _chords_and_beats(task: Task) -> dict[str, Output]:
    audio = decode(_input(task, "inputUrl"))
    signal = analysis_signal(audio)
    chords = find_chords(signal, audio.seconds)
    grid, key = find_beats(signal, chords), find_key(chords)
    return {
        "chords": _json_file(task.folder / "chords.json", chord_segments(chords, grid, key)),
        "beats": _json_file(task.folder / "beats.json", beat_list(grid)),
        "key": str(key) if key else None,
        "bpm": grid.bpm if grid else None,
    }


def _chords(task: Task) -> dict[str, Output]:
    return {"chords": _chords_and_beats(task)["chords"]}


def _isolate_drums(task: Task) -> dict[str, Output]:
    audio = decode(_input(task, "inputUrl"))
    return _wav_files(task.folder, audio, ["Kick drum", "Snare drum", "Other"], split_drums(audio))


def _vocals_accompaniment(task: Task) -> dict[str, Output]:
    audio = decode(_input(task, "inputUrl"))
    return _wav_files(task.folder, audio, ["vocals", "accompaniment"], split_vocals(audio))


def _sdk_test(task: Task) -> dict[str, Output]:
    return {"file": _input(task, "file")}


WORKFLOWS: Mapping[str, Handler] = {
    "music-ai/generate-chords": _chords,
    "music-ai/chords-and-beat-mapping": _chords_and_beats,
    "music-ai/isolate-drums": _isolate_drums,
    "music-ai/stems-vocals-accompaniment": _vocals_accompaniment,
    "sdk-test": _sdk_test,
}
"""Each workflow's function by its slug."""
