"""Decoding, resampling and writing audio, and files without any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicai_sdk.sandbox.engine import WORKFLOWS
from musicai_sdk.sandbox.engine.audio import ANALYSIS_RATE, decode, resample, write_wav
from support.signals import F32, SOUNDFILE, failure, map_beats, run, triad

if TYPE_CHECKING:
    pass


def test_damaged_floats_are_harmless(tmp_path: Path) -> None:
    source = tmp_path / "damaged.wav"
    sound = np.stack([triad(0, False, 4)] * 2, axis=1)
    sound[1000:1010] = [np.nan, np.inf]
    sound[2000] = 1e30
    SOUNDFILE.write(source, sound, ANALYSIS_RATE, subtype="FLOAT")
    assert np.isfinite(decode(source).samples).all()
    assert map_beats(tmp_path, source)["chords"]
    assert len(run("music-ai/isolate-drums", tmp_path, source)) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not audio at all",
        b"RIFF\x24\x00\x00\x00WAVE",
        bytes(4096),
        b"ID3\x04\x00\x00\x00\x00\x00\x00",
        b"<html>",
    ],
)
@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".raw", ""])
def test_unreadable_input(tmp_path: Path, content: bytes, suffix: str) -> None:
    source = tmp_path / f"input{suffix}"
    source.write_bytes(content)
    for slug in set(WORKFLOWS) - {"sdk-test"}:
        assert failure(slug, tmp_path, source).code == "BAD_INPUT"


def test_no_samples_is_bad_input(tmp_path: Path) -> None:
    source = tmp_path / "empty.wav"
    write_wav(source, np.zeros((1, 0), dtype=np.float32), 44_100)
    caught = failure("music-ai/generate-chords", tmp_path, source)
    assert (caught.code, "0 samples" in caught.message) == ("BAD_INPUT", True)


def test_formats_decode_alike(tmp_path: Path) -> None:
    rate = 48_000
    degrees = [(0, False), (9, True), (5, False), (7, False)]
    mono = resample(np.concatenate([triad(root, minor, 2) for root, minor in degrees]), ANALYSIS_RATE, rate)
    sound = np.stack([mono, mono * np.float32(0.7)])
    formats = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS")]
    for kind, subtype in [*formats, ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16")]:
        source = tmp_path / f"{subtype}.audio"
        with SOUNDFILE.SoundFile(source, "w", rate, 2, subtype, format=kind) as file:
            for start in range(0, sound.shape[1], rate):
                file.write(sound[:, start : start + rate].T)
        audio = decode(source)
        assert (audio.rate, len(audio.samples), str(audio.samples.dtype)) == (rate, 2, "float32")
        assert abs(audio.seconds - 8) < 0.1
        assert audio.mono().shape == (audio.samples.shape[1],)
        found = map_beats(tmp_path, source)["chords"]
        assert [part["chord_majmin"] for part in found] == ["C:maj", "A:min", "F:maj", "G:maj"], subtype


@pytest.mark.parametrize("rate", [8_000, 22_050, 32_000, 44_100, 44_101, 48_000, 192_000])
def test_resampling(rate: int) -> None:
    def sine(at: int, pitch: float) -> F32:
        return np.sin(2 * np.pi * pitch * np.arange(2 * at) / at).astype(np.float32)

    result = resample(sine(rate, 440), rate, ANALYSIS_RATE)
    assert np.abs(result - sine(ANALYSIS_RATE, 440))[500:-500].max() < 1e-3
    if rate > 40_000:
        assert np.abs(resample(sine(rate, 14_000), rate, ANALYSIS_RATE))[500:-500].max() < 1e-3


def test_wav_round_trip_is_exact(tmp_path: Path) -> None:
    steps = [[-32768, -1, 0, 1, 32767], [5, 4, 3, 2, 1]]
    levels = np.asarray(np.array(steps) / 32768, dtype=np.float32)
    write_wav(tmp_path / "exact.wav", levels, 44_100)
    assert np.array_equal(decode(tmp_path / "exact.wav").samples, levels)
    write_wav(tmp_path / "loud.wav", levels * np.float32(3), 44_100)
    assert decode(tmp_path / "loud.wav").samples.max() == np.float32(32767 / 32768)
