"""Beat tracking: spectral flux, a tempo from its autocorrelation, beats by dynamic programming, downbeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from musicai_sdk.sandbox.engine.audio import ANALYSIS_RATE
from musicai_sdk.sandbox.engine.spectrum import magnitudes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicai_sdk.sandbox.engine.audio import F32
    from musicai_sdk.sandbox.engine.chords import Chord

BEATS_IN_BAR = 4

_SIZE = 1024
_HOP = 220
_RATE = ANALYSIS_RATE / _HOP
_BANDS = 32
_LOW_BANDS = 5
_COMPRESSION = 300.0
_QUIET = 1e-4
_LIKELY_BPM = 110.0
_OCTAVES = 0.7
_SLOWEST, _FASTEST = 45.0, 220.0
# Noise and steady tones stay below 0.09; the least rhythmical music has 0.4.
_PERIODIC = 0.2
_TIGHTNESS = 400.0
_NEAR_BEAT = 0.3
_BAR_SECONDS = (1.0, 4.0)


@dataclass(frozen=True)
class BeatGrid:
    """Beats in bars of four; the first downbeat begins bar 1, the beats before it are bar 0."""

    times: NDArray[np.float64]
    """Seconds, ascending, at least two."""
    downbeat: int
    """The index in `times` of the first downbeat, 0 to 3."""

    @property
    def period(self) -> float:
        """The typical time between two beats in seconds."""
        return float(np.median(np.diff(self.times)))

    @property
    def bpm(self) -> int:
        """Beats per minute, by the line that fits the beats best."""
        slope = float(np.polyfit(np.arange(len(self.times)), self.times, 1)[0])
        return round(60 / slope)

    def number(self, index: int) -> int:
        """The place in its bar of the beat at this index, 1 to 4."""
        return (index - self.downbeat) % BEATS_IN_BAR + 1

    def position(self, time: float) -> tuple[int, int]:
        """The bar and the beat in it that sound at a time in seconds.

        Beyond its ends the grid continues in steps of `period`; times before the pickup count as its first beat.
        """
        period = self.period
        tolerance = 0.1 * period
        if time < self.times[0]:
            index = int(np.floor((time + tolerance - self.times[0]) / period))
        elif time > self.times[-1]:
            index = len(self.times) - 1 + int((time + tolerance - self.times[-1]) / period)
        else:
            index = int(np.searchsorted(self.times, time + tolerance, side="right")) - 1
        bar, beat = divmod(index - self.downbeat, BEATS_IN_BAR)
        return (bar + 1, beat + 1) if bar >= -1 else (0, 1)

    def snap(self, time: float) -> float:
        """The nearest beat if it is within three tenths of a beat, else the time itself; in seconds."""
        nearest = float(self.times[np.abs(self.times - time).argmin()])
        return nearest if abs(nearest - time) < _NEAR_BEAT * self.period else time


def _band_filters() -> F32:
    """Shape (bins, bands): bins gathered in bands of equal width in log frequency, 40 Hz to 10 kHz."""
    bins = np.arange(_SIZE // 2 + 1) * ANALYSIS_RATE / _SIZE
    edges = np.geomspace(40.0, 10_000.0, _BANDS + 1)
    # A band that is narrower than a bin takes the nearest one.
    edges = np.maximum(edges, np.arange(_BANDS + 1) * ANALYSIS_RATE / _SIZE)
    inside = (bins[:, None] >= edges[:-1]) & (bins[:, None] < edges[1:])
    return inside.astype(np.float32)


def _flux(signal: F32) -> F32:
    """Shape (frames, bands): how much each band rises from frame to frame, on a log scale."""
    filters = _band_filters()
    bands = np.concatenate([block @ filters for block in magnitudes(signal, _SIZE, _HOP)])
    reference = max(float(np.percentile(bands.max(axis=1), 95)), _QUIET)
    compressed = np.log1p(_COMPRESSION / reference * bands)
    # A silent frame before the first, so that an onset at 0 counts.
    before = np.zeros((1, _BANDS), dtype=np.float32)
    return np.maximum(np.diff(compressed, axis=0, prepend=before), 0)


def _onsets(flux: F32) -> NDArray[np.float64]:
    """Shape (frames,): the onset strength, without its slow part, at standard deviation 1."""
    strength = flux.mean(axis=1).astype(np.float64)
    width = int(_RATE) | 1
    slow = np.convolve(np.pad(strength, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
    strength = np.maximum(strength - slow, 0)
    strength = np.convolve(strength, np.array([0.25, 0.5, 0.25]), mode="same")
    deviation = float(strength.std())
    return strength / deviation if deviation > 1e-3 else np.zeros_like(strength)


def _period(onsets: NDArray[np.float64]) -> float | None:
    """Frames from beat to beat; None if nothing repeats."""
    shortest, longest = int(60 * _RATE / _FASTEST), int(60 * _RATE / _SLOWEST)
    if len(onsets) <= 2 * longest:
        return None
    centred = onsets - onsets.mean()
    reach = 4 * longest + 2
    spectrum = np.fft.rfft(centred, 2 * (len(centred) + reach))
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[:reach]
    if correlation[0] <= 0:
        return None
    correlation /= correlation[0]
    lags = np.arange(shortest, longest + 1)
    prior = np.exp(-0.5 * (np.log2(60 * _RATE / lags / _LIKELY_BPM) / _OCTAVES) ** 2)
    # A beat repeats after two and four beats too, an off-beat less so.
    repeated = correlation[lags] + 0.5 * correlation[2 * lags] + 0.25 * correlation[4 * lags]
    best = int((repeated * prior).argmax())
    if repeated[best] < _PERIODIC:
        return None
    lag = int(lags[best])
    # The repetition after four beats gives the period four times as exactly.
    near = np.arange(4 * lag - 3, 4 * lag + 4)
    near = near[near < len(correlation)]
    return float(near[correlation[near].argmax()]) / 4


def _track(onsets: NDArray[np.float64], period: float) -> NDArray[np.intp]:
    """The frames of the beats: strong onsets about a period apart (Ellis, 2007)."""
    steps = np.arange(int(period / 2), int(2 * period) + 1)
    cost = -_TIGHTNESS * np.square(np.log(steps / period))
    reach = int(steps[-1])
    total = np.zeros(len(onsets) + reach)
    before = np.full(len(onsets), -1, dtype=np.intp)
    for frame, onset in enumerate(onsets):
        # Frame f is at total[f + reach]; frames before the audio score 0.
        scores = total[frame + reach - steps] + cost
        best = int(scores.argmax())
        total[frame + reach] = onset + max(scores[best], 0.0)
        if scores[best] > 0:
            before[frame] = frame - steps[best]
    last = len(total) - int(np.ceil(period))
    beats = [last - reach + int(total[last:].argmax())]
    while (previous := int(before[beats[-1]])) >= 0:
        beats.append(previous)
    return np.array(beats[::-1], dtype=np.intp)


def _downbeat(beats: NDArray[np.intp], flux: F32, changes: NDArray[np.float64]) -> int:
    """The beat of the first four that most likely begins a bar, by chord changes and bass onsets."""
    low = flux[:, :_LOW_BANDS].sum(axis=1)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(low, 3), 7).max(axis=1)[beats]
    weights = near / max(float(near.mean()), 1e-9)
    if changes.size:
        nearest = np.abs(beats[:, None] / _RATE - changes).argmin(axis=0)
        weights = weights + 4 * np.bincount(nearest, minlength=len(beats))
    return int(np.argmax([weights[phase::BEATS_IN_BAR].sum() for phase in range(BEATS_IN_BAR)]))


def grid_of_changes(times: Sequence[float]) -> BeatGrid:
    """Returns a grid for counting bars without a beat: a chord usually lasts for a bar.

    Args:
        times: Where chords begin, and where the last one ends: at least two, ascending, in seconds.
    """
    bar = float(np.clip(np.median(np.diff(times)), *_BAR_SECONDS))
    count = max(2, int((times[-1] - times[0]) / bar * BEATS_IN_BAR))
    return BeatGrid(times[0] + np.arange(count) * bar / BEATS_IN_BAR, 0)


def find_beats(signal: F32, chords: Sequence[Chord]) -> BeatGrid | None:
    """Tracks the beats of a signal and finds the downbeats, assuming bars of four.

    Args:
        signal: Mono, shape (n,), at `ANALYSIS_RATE`.
        chords: Its chords; bars tend to begin where they change.

    Returns:
        The grid; None if there is no steady beat or the signal is shorter than about three seconds.
    """
    flux = _flux(signal)
    onsets = _onsets(flux)
    period = _period(onsets)
    if period is None:
        return None
    beats = _track(onsets, period)
    if len(beats) < BEATS_IN_BAR:
        return None
    changes = np.array([chord.start for chord in chords[1:]])
    return BeatGrid(beats / _RATE, _downbeat(beats, flux, changes))
