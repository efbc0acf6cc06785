"""Chords of songs through the client and the server, scored against the reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import mir_eval
import numpy as np
import pytest
import soundfile

from conftest import SONGS
from musicai_sdk.models import Chord
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords

NAMES = ("band0", "block1", "dense1", "jazz1")


def recognised(sandbox: Sandbox, song: Path) -> list[Chord]:
    with sandbox.client() as client:
        return client.files.read(client.jobs.run(GenerateChords(input_url=song)).result.chords)


SEVENTHS = {"": "maj", "m": "min", "7": "7", "maj7": "maj7", "m7": "min7"}
"""mir_eval's qualities by what follows the root in a pop spelling."""


def with_seventh(chord: Chord) -> str:
    """A chord as mir_eval writes it, from its simple pop spelling: `A:min7`."""
    if chord.chord_majmin == "N":
        return "N"
    root = chord.chord_majmin.partition(":")[0]
    return f"{root}:{SEVENTHS[str(chord.chord_simple_pop).removeprefix(root)]}"


def overlaps(truth: list[dict[str, Any]], found: list[Chord]) -> dict[str, float]:
    """mir_eval's weighted overlaps: the share of the time in which root and third, or the seventh too, are right."""
    reference = np.array([[segment["start"], segment["end"]] for segment in truth])
    labels = [segment["chord_majmin"] for segment in truth]
    estimate = np.array([[chord.start, chord.end] for chord in found])
    evaluate = cast("Any", mir_eval).chord.evaluate
    spellings = {"majmin": [c.chord_majmin for c in found], "sevenths": [with_seventh(c) for c in found]}
    return {
        measure: float(evaluate(reference, labels, estimate, names)[measure])
        for measure, names in spellings.items()
    }


def test_songs(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    scores = {
        name: overlaps(
            json.loads((SONGS / f"{name}.json").read_text())["chords"],
            recognised(sandbox, SONGS / f"{name}.ogg"),
        )
        for name in NAMES
    }
    for measure, least_mean, least in (("majmin", 0.95, 0.75), ("sevenths", 0.9, 0.75)):
        values = {name: score[measure] for name, score in scores.items()}
        mean = sum(values.values()) / len(values)
        with capsys.disabled():
            figures = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
            print(
                f"\n{measure} weighted overlap through client and server: {figures}; mean {mean:.3f}", end=""
            )
        assert mean >= least_mean
        assert min(values.values()) >= least


@pytest.mark.parametrize("kind", ["noise", "drums"])
def test_audio_without_chords(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    rate, random = 44_100, np.random.default_rng(1)
    if kind == "noise":
        samples = random.normal(0, 0.2, rate * 12)
    else:
        samples = np.zeros(rate * 12)
        beat = random.normal(0, 0.6, rate // 4) * np.exp(-np.arange(rate // 4) / (rate * 0.03))
        for start in range(0, len(samples) - len(beat), rate // 2):
            samples[start : start + len(beat)] += beat
    soundfile.write(tmp_path / "song.wav", samples, rate)
    assert {chord.chord_majmin for chord in recognised(sandbox, tmp_path / "song.wav")} == {"N"}
