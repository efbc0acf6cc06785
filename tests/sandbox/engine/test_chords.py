"""Chords of real songs through the whole client-server path, scored against the truth."""

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


def majmin_overlap(truth: list[dict[str, Any]], found: list[Chord]) -> float:
    """mir_eval's weighted majmin overlap: the share of the time in which root and third are right."""
    reference = np.array([[segment["start"], segment["end"]] for segment in truth])
    labels = [segment["chord_majmin"] for segment in truth]
    estimate = np.array([[chord.start, chord.end] for chord in found])
    scores = cast("Any", mir_eval).chord.evaluate(
        reference, labels, estimate, [c.chord_majmin for c in found]
    )
    return float(scores["majmin"])


def test_songs(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    scores = {
        name: majmin_overlap(
            json.loads((SONGS / f"{name}.json").read_text())["chords"],
            recognised(sandbox, SONGS / f"{name}.ogg"),
        )
        for name in NAMES
    }
    mean = sum(scores.values()) / len(scores)
    with capsys.disabled():
        figures = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
        print(f"\nmajmin weighted overlap through client and server: {figures}; mean {mean:.3f}")
    assert mean >= 0.85
    assert min(scores.values()) >= 0.75


@pytest.mark.parametrize("kind", ["noise", "drums"])
def test_what_has_no_chords(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
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
