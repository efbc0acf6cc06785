"""Synthetic signals, and workflows of the sandbox on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import mir_eval  # pyright: ignore[reportMissingTypeStubs] - it ships no types
import numpy as np
import pytest
import soundfile  # pyright: ignore[reportMissingTypeStubs] - it ships no types
from numpy.typing import NDArray

from musicai_sdk.sandbox.engine import WORKFLOWS, Task, WorkflowFailure
from musicai_sdk.sandbox.engine.audio import ANALYSIS_RATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

F32: TypeAlias = NDArray[np.float32]
SONGS = sorted((Path(__file__).parents[1] / "songs").glob("*.ogg"))
MIR_EVAL, SOUNDFILE = cast("Any", mir_eval), cast("Any", soundfile)


def run(slug: str, folder: Path, source: Path | None, param: str = "inputUrl") -> dict[str, Any]:
    def fetch(name: str) -> Path:
        assert name == param
        assert source is not None
        return source

    params: dict[str, JsonValue] = {} if source is None else {param: "https://example.test/audio"}
    return dict(WORKFLOWS[slug](Task(params, folder, fetch)))


def failure(slug: str, folder: Path, source: Path | None, param: str = "inputUrl") -> WorkflowFailure:
    with pytest.raises(WorkflowFailure) as caught:
        run(slug, folder, source, param)
    return caught.value


def map_beats(folder: Path, source: Path) -> dict[str, Any]:
    outputs = run("music-ai/chords-and-beat-mapping", folder, source)
    return {
        **outputs,
        **{name: json.loads(outputs[name].read_text(encoding="utf-8")) for name in ("chords", "beats")},
    }


def hertz(midi: float) -> float:
    return float(440 * 2 ** ((midi - 69) / 12))


def tone(
    midi: Iterable[float], seconds: float, partials: int = 6, falloff: float = 0.7, decay: float = 0.0
) -> F32:
    """Notes together, each with harmonics."""
    at = np.arange(round(seconds * ANALYSIS_RATE)) / ANALYSIS_RATE
    waves = [
        0.05 * falloff ** (k - 1) * np.sin(2 * np.pi * hertz(note) * k * at + k)
        for note in midi
        for k in range(1, partials + 1)
    ]
    return np.asarray(np.sum(waves, axis=0) * np.exp(-decay * at), dtype=np.float32)


def triad(root: int, minor: bool, seconds: float, cents: float = 0.0, **timbre: Any) -> F32:
    notes = [48 + root, 52 + root - minor, 55 + root, 60 + root]
    return tone([note + cents / 100 for note in notes], seconds, **timbre)


def noise(seconds: float, seed: int = 0) -> F32:
    random = np.random.default_rng(seed)
    return np.asarray(0.2 * random.standard_normal(round(seconds * ANALYSIS_RATE)), dtype=np.float32)


def drum_parts(seconds: float, bpm: float) -> tuple[F32, F32, F32]:
    """Kick on 1 and 3, snare on 2 and 4, hi-hat on eighths."""
    random = np.random.default_rng(1)
    at = np.arange(round(0.25 * ANALYSIS_RATE)) / ANALYSIS_RATE
    kick, snare, hat = np.zeros((3, round(seconds * ANALYSIS_RATE)), dtype=np.float32)
    for step in range(int((seconds - 0.5) * bpm / 30)):
        here = slice(begin := round(step * 30 / bpm * ANALYSIS_RATE), begin + len(at))
        if step % 4 == 0:
            kick[here] += 0.6 * np.sin(2 * np.pi * (50 * at + 2 * (1 - np.exp(-35 * at)))) * np.exp(-16 * at)
        if step % 4 == 2:
            body = 0.2 * np.sin(2 * np.pi * 190 * at)
            snare[here] += (body + 0.25 * random.standard_normal(len(at))) * np.exp(-22 * at)
        hat[here] += 0.05 * np.diff(random.standard_normal(len(at) + 1)) * np.exp(-60 * at)
    return kick, snare, hat
