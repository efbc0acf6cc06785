"""Log-compressed chroma: how strongly each pitch class sounds, ten times a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicai_sdk.sandbox.engine.audio import ANALYSIS_RATE, F32
from musicai_sdk.sandbox.engine.spectrum import magnitudes

FRAMES_PER_SECOND = 10
_HOP = ANALYSIS_RATE // FRAMES_PER_SECOND
_SIZE = 8192
# MIDI notes A2 to A6: below, a semitone is narrower than a bin; above, there are mostly overtones.
_LOWEST = 45
_HIGHEST = 94
# Semitones; narrow, so that a partial hardly leaks into its neighbours, which log compression would lift.
_FILTER_WIDTH = 0.15
_COMPRESSION = 300.0
# MIDI notes E1 to D3. A longer window than for chords: a semitone is 2.5 Hz down there.
_BASS = range(28, 51)
_BASS_SIZE = 16_384
_BASS_WIDTH = 0.35
_BASS_SHARE = 0.3
_BASS_LEVEL = 0.1
_BACKGROUND = 13


@dataclass(frozen=True)
class Chroma:
    """Pitch classes over time; frame i is centred at i / `FRAMES_PER_SECOND` seconds."""

    classes: F32
    """Shape (frames, 12), C first: the strength of each pitch class above the spectrum's floor."""
    tonal: F32
    """Shape (frames,): the part of the compressed spectrum that stands above its floor, 0 to 1."""
    level: F32
    """Shape (frames,): the loudness of the pitched range, as an amplitude (full-scale sine is 1)."""
    offset: float
    """How far the music is from A4 = 440 Hz, in semitones."""


def tuning(signal: F32) -> float:
    """How far the music is from A4 = 440 Hz, in semitones, -0.5 to 0.5.

    The circular mean of the distances of the spectral peaks from the nearest equal-tempered pitch,
    weighted by their magnitude.
    """
    low, high = (int(hz * _SIZE / ANALYSIS_RATE) for hz in (110.0, 2_000.0))
    total = 0j
    for block in magnitudes(signal, _SIZE, _HOP * 5):
        logs = np.log(block[:, low - 1 : high + 1] + np.float32(1e-9))
        left, here, right = logs[:, :-2], logs[:, 1:-1], logs[:, 2:]
        frame, peak = np.nonzero(
            (here > left) & (here >= right) & (here > here.max(axis=1, keepdims=True) - 4)
        )
        a, b, c = left[frame, peak], here[frame, peak], right[frame, peak]
        bins = low + peak + 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
        pitch = 12 * np.log2(bins * ANALYSIS_RATE / _SIZE / 440.0)
        total += complex(np.sum(np.exp(b) * np.exp(2j * np.pi * pitch)))
    return float(np.angle(total) / (2 * np.pi)) if total else 0.0


def _note_filters(notes: range, offset: float, size: int, width: float) -> F32:
    """Shape (bins, notes): squared magnitudes to the energy of each semitone."""
    pitch = np.arange(notes.start, notes.stop)[None, :] + offset
    bins = np.arange(1, size // 2 + 1)[:, None]
    distance = 69 + 12 * np.log2(bins * ANALYSIS_RATE / size / 440.0) - pitch
    filters = np.zeros((size // 2 + 1, len(notes)))
    filters[1:] = np.exp(-0.5 * (distance / width) ** 2) * (np.abs(distance) < 1)
    return filters.astype(np.float32)


def chroma(signal: F32) -> Chroma:
    """Analyses a mono signal, shape (n,), at `ANALYSIS_RATE`."""
    offset = tuning(signal)
    filters = _note_filters(range(_LOWEST, _HIGHEST), offset, _SIZE, _FILTER_WIDTH)
    notes = np.sqrt(np.concatenate([np.square(block) @ filters for block in magnitudes(signal, _SIZE, _HOP)]))
    level = np.sqrt(np.square(notes).sum(axis=1))
    reference = max(float(np.percentile(level, 95)), 1e-6)
    compressed = np.log1p(_COMPRESSION / reference * notes)
    around = np.pad(compressed, ((0, 0), (_BACKGROUND // 2, _BACKGROUND // 2)), mode="reflect")
    floor = np.median(np.lib.stride_tricks.sliding_window_view(around, _BACKGROUND, axis=1), axis=2)
    peaks = np.maximum(compressed - floor, 0)
    folding = np.eye(12, dtype=np.float32)[np.arange(_LOWEST, _HIGHEST) % 12]
    tonal = peaks.sum(axis=1) / np.maximum(compressed.sum(axis=1), 1e-9)
    return Chroma(peaks @ folding, tonal, level, offset)


def bass_classes(signal: F32, features: Chroma) -> NDArray[np.intp]:
    """Returns the pitch class of the lowest strong note of each frame, -1 where there is none below `_BASS.stop`.

    Args:
        signal: Mono, shape (n,), at `ANALYSIS_RATE`.
        features: Its pitch classes, in the same frames.
    """
    filters = _note_filters(_BASS, features.offset, _BASS_SIZE, _BASS_WIDTH)
    notes = np.sqrt(
        np.concatenate([np.square(block) @ filters for block in magnitudes(signal, _BASS_SIZE, _HOP)])
    )
    around = np.pad(notes, ((0, 0), (1, 1)))
    peaks = (notes >= around[:, :-2]) & (notes >= around[:, 2:])
    loudest = notes.max(axis=1, keepdims=True)
    peaks &= (notes > _BASS_SHARE * loudest) & (notes > _BASS_LEVEL * features.level[:, None])
    return np.where(peaks.any(axis=1), (_BASS.start + peaks.argmax(axis=1)) % 12, -1)
