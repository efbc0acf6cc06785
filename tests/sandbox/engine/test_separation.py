"""Stems against references: drums, vocals, and parts that sum to the mix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicai_sdk.sandbox.engine.audio import ANALYSIS_RATE, Audio, decode, resample, write_wav
from musicai_sdk.sandbox.engine.separation import split_drums, split_percussive, split_vocals
from support.signals import F32, SONGS, drum_parts, failure, run, triad

if TYPE_CHECKING:
    from collections.abc import Iterable


def sdr(true: F32, estimate: F32) -> float:
    """Scale-invariant signal-to-distortion ratio in dB."""
    target = true * (np.vdot(true, estimate) / np.vdot(true, true))
    return float(10 * np.log10(np.vdot(target, target) / np.sum(np.square(estimate - target))))


def joined(blocks: Iterable[list[F32]]) -> list[F32]:
    return [np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]


def test_drum_stems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rate = 44_100
    kick, snare, hat = (resample(part, ANALYSIS_RATE, rate) for part in drum_parts(14, 110))
    strings = np.concatenate([triad(root, False, 2, partials=10) for root in (0, 5, 7, 0, 5, 7, 0)])
    rest = hat + resample(strings, ANALYSIS_RATE, rate)
    mix = np.asarray(0.6 * np.stack([kick + snare + rest, kick + snare + rest / 2]), dtype=np.float32)
    source = tmp_path / "mix.wav"
    write_wav(source, mix, rate)
    outputs = run("music-ai/isolate-drums", tmp_path, source)
    assert list(outputs) == ["Kick drum", "Snare drum", "Other"]
    stems = [decode(path).samples for path in outputs.values()]
    assert np.abs(sum(stems) - decode(source).samples).max() <= 3 / 32768
    gains = [
        (sdr(true, mix[0]), sdr(true, stem[0])) for true, stem in zip((kick, snare, rest), stems, strict=True)
    ]
    with capsys.disabled():
        print(
            "\nkick, snare, other, SI-SDR in dB:",
            ", ".join(f"{low:.1f} to {high:.1f}" for low, high in gains),
        )
    assert all(high > low + 4 for low, high in gains)
    both = run("sandbox/drums-other", tmp_path, source)
    assert list(both) == ["drums", "other"]
    drums, other = (decode(path).samples[0] for path in both.values())
    struck, ringing = kick + snare + hat, rest - hat
    with capsys.disabled():
        print(
            f"drums, other, SI-SDR in dB: {sdr(struck, mix[0]):.1f} to {sdr(struck, drums):.1f},"
            f" {sdr(ringing, mix[0]):.1f} to {sdr(ringing, other):.1f}"
        )
    assert sdr(struck, drums) > sdr(struck, mix[0]) + 4
    assert sdr(ringing, other) > sdr(ringing, mix[0]) + 4


def test_stems_of_songs_sum_to_the_mix(tmp_path: Path) -> None:
    mix = decode(SONGS[0]).samples
    for slug in ("music-ai/isolate-drums", "music-ai/stems-vocals-accompaniment", "sandbox/drums-other"):
        stems = [decode(path).samples for path in run(slug, tmp_path, SONGS[0]).values()]
        assert np.abs(sum(stems) - mix).max() <= 3 / 32768


def test_separation_has_no_seams() -> None:
    """A block doesn't depend on what follows, except that the level of drums is relative to the block."""
    rate = 8_000
    random = np.random.default_rng(3)
    samples = (0.1 * random.standard_normal((2, rate * 20))).astype(np.float32)
    whole = joined(split_vocals(Audio(samples, rate)))[0]
    part = joined(split_vocals(Audio(samples[:, : rate * 15], rate)))[0]
    assert np.abs(whole[:, : rate * 14] - part[:, : rate * 14]).max() < 1e-5


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("length", [1, 100, 5_000, 300_000])
def test_any_length_and_rate_can_be_split(rate: int, length: int) -> None:
    samples = np.random.default_rng(4).uniform(-0.5, 0.5, (2, length)).astype(np.float32)
    for split in (split_drums, split_percussive, split_vocals):
        parts = joined(split(Audio(samples, rate)))
        assert all(part.shape == samples.shape for part in parts)
        assert np.abs(sum(parts) - samples).max() < 1e-6


def test_vocals_from_the_centre(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rate, seconds = 44_100, 12
    notes = np.repeat([57, 59, 60, 62, 64, 62, 60, 59, 57, 55, 57, 60], rate)
    vibrato = 0.2 * np.sin(2 * np.pi * 5.5 * np.arange(rate * seconds) / rate)
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((notes + vibrato - 69) / 12)) / rate
    voice = np.sum([0.12 / k * np.sin(k * phase) for k in range(1, 12)], axis=0).astype(np.float32)
    left = resample(
        np.concatenate([triad(root, False, 1.5, decay=1) for root in (0, 5, 7, 0) * 2]), ANALYSIS_RATE, rate
    )
    right = resample(
        np.concatenate([triad(root, True, 2, decay=1) for root in (9, 2, 4) * 2]), ANALYSIS_RATE, rate
    )
    mix = np.stack([voice + left + 0.2 * right, voice + 0.2 * left + right]) * np.float32(0.5)
    source = tmp_path / "mix.wav"
    write_wav(source, mix, rate)
    outputs = run("music-ai/stems-vocals-accompaniment", tmp_path, source)
    assert list(outputs) == ["vocals", "accompaniment"]
    vocals, accompaniment = (decode(path).samples for path in outputs.values())
    assert np.abs(vocals + accompaniment - decode(source).samples).max() <= 2 / 32768
    before, after = sdr(voice, mix[0]), sdr(voice, vocals[0])
    with capsys.disabled():
        print(f"\nvocals, SI-SDR: {before:.1f} to {after:.1f} dB")
    assert after > before + 4


def test_mono_has_no_vocals(tmp_path: Path) -> None:
    sound = triad(0, False, 3)
    for channels in (1, 2, 3):
        source = tmp_path / f"{channels}.wav"
        write_wav(source, np.stack([sound] * channels), ANALYSIS_RATE)
        caught = failure("music-ai/stems-vocals-accompaniment", tmp_path, source)
        assert (caught.code, caught.title) == ("NOT_MODELLED", "Not modelled")
        assert "stereo" in caught.message
    assert not list(tmp_path.glob("vocals*")), "no empty result is left behind"
