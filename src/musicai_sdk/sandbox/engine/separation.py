"""Approximate stems: percussive and harmonic masks by median filtering, and the centre of a stereo mix.

Every split is a generator of blocks, so that only some seconds are in memory besides the decoded audio. The parts of a
block sum to the mix, because the last part is the mix without the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from musicai_sdk.sandbox.engine.failure import WorkflowFailure
from musicai_sdk.sandbox.engine.spectrum import hann

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from musicai_sdk.sandbox.engine.audio import F32, Audio

Spectrum: TypeAlias = NDArray[np.complex64]
Splitter: TypeAlias = "Callable[[Spectrum, F32], list[Spectrum]]"
"""Splits a spectrum of shape (channels, frames, bins), given the frequency of each bin in Hz, into parts of that shape."""

_WINDOW_SECONDS = 0.046
_OVERLAP = 4
_BLOCK_FRAMES = 512
_MEDIAN = 17
# A median over every third frame spans half a second; a drum rings for less than half of that.
_DRUM_STRIDE = 3
# Frames around a block: half a median, and the frames that overlap its edge, with some reserve.
_CONTEXT_FRAMES = 32
_TINY = np.float32(1e-12)

# The least product of body and noise of a snare, against the strongest in the block.
_SNARE_FLOOR = 0.1
# The weight of hiss, which a hi-hat has without a body.
_HISS = 0.1
_SIDE_FLOOR = 1e-4
_CENTRE_SHARPNESS = 4


def _median(values: F32, axis: int, stride: int = 1) -> F32:
    """The running median of `_MEDIAN` values, `stride` apart, along an axis of shape (frames, bins)."""
    half = _MEDIAN // 2 * stride
    padded = np.pad(values, [(half, half) if at == axis else (0, 0) for at in range(2)], mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=axis)[..., ::stride]
    return np.asarray(np.partition(windows, _MEDIAN // 2, axis=-1)[..., _MEDIAN // 2], dtype=np.float32)


def _share(part: F32, rest: F32) -> F32:
    """The part's share of the energy of both, from magnitudes; 0 where there is none."""
    return np.asarray(np.square(part) / (np.square(part) + np.square(rest) + _TINY), dtype=np.float32)


def _ramp(hertz: F32, low: float, high: float) -> F32:
    """0 below `low` Hz, 1 above `high` Hz, smooth between."""
    position = np.clip((hertz - low) / (high - low), 0, 1)
    return np.asarray(np.sin(np.pi / 2 * position) ** 2, dtype=np.float32)


def _blocks(audio: Audio, split: Splitter) -> Iterator[list[F32]]:
    """Splits the spectrum of a block at a time; all parts but the last, which is the rest of the mix."""
    hop = 1 << max(4, round(np.log2(_WINDOW_SECONDS * audio.rate / _OVERLAP)))
    size = hop * _OVERLAP
    window = hann(size)
    hertz = np.fft.rfftfreq(size, 1 / audio.rate).astype(np.float32)
    block, context = _BLOCK_FRAMES * hop, _CONTEXT_FRAMES * hop
    length = audio.samples.shape[1]
    for start in range(0, length, block):
        stop = min(start + block, length)
        first, last = start - context, start + -(-(stop - start) // hop) * hop + context
        outside = (max(0, -first), max(0, last - length))
        around = np.pad(audio.samples[:, max(0, first) : last], ((0, 0), outside))
        frames = np.lib.stride_tricks.sliding_window_view(around, size, axis=1)[:, ::hop]
        mix = audio.samples[:, start:stop]
        parts: list[F32] = []
        for part in split(np.fft.rfft(frames * window).astype(np.complex64), hertz):
            pieces = (np.fft.irfft(part, size) * window).astype(np.float32)
            channels, count, _ = pieces.shape
            # A squared Hann window at a quarter step adds up to 1.5.
            added = np.zeros((channels, count + _OVERLAP - 1, hop), dtype=np.float32)
            for step in range(_OVERLAP):
                added[:, step : step + count] += pieces[:, :, step * hop : (step + 1) * hop] / np.float32(1.5)
            parts.append(added.reshape(channels, -1)[:, context : context + stop - start])
        yield [*parts, mix - sum(parts)]


def _struck(magnitude: F32) -> tuple[F32, F32]:
    """How percussive every bin is: by its spread over the spectrum, and by its shortness."""
    steady = _median(magnitude, 0, _DRUM_STRIDE)
    # The low ring of a drum is narrow, and percussive only by its shortness.
    return _share(_median(magnitude, 1), steady), np.maximum(1 - np.square(steady / (magnitude + _TINY)), 0)


def _drums(spectrum: Spectrum, hertz: F32) -> list[Spectrum]:
    magnitude = np.abs(spectrum).mean(axis=0)
    percussive, short = _struck(magnitude)
    energy = np.square(magnitude) * percussive

    def band(low: float, high: float) -> F32:
        inside = energy[:, (hertz >= low) & (hertz < high)]
        return np.asarray(inside.sum(axis=1, keepdims=True), dtype=np.float32)

    # A snare has a body and noise at once; a chord's attack has no noise, a hi-hat has no body.
    body = band(150, 1_000)
    both = np.sqrt(body * band(2_000, 6_000))
    struck = _share(both, _SNARE_FLOOR * np.percentile(both, 98).astype(np.float32))
    drum = struck * body / (body + _HISS * band(6_000, np.inf) + _TINY)
    ringing = np.maximum(percussive, short * (1 - _ramp(hertz, 250, 500)))
    kick = short * (1 - _ramp(hertz, 100, 200))
    return [spectrum * kick, spectrum * (ringing * drum * _ramp(hertz, 120, 240))]


def split_drums(audio: Audio) -> Iterator[list[F32]]:
    """Splits the kick drum and the snare drum from the rest, which includes cymbals.

    Args:
        audio: A mix or a drum track of any number of channels.

    Yields:
        Kick drum, snare drum and the rest of consecutive blocks, each of shape (channels, n).
    """
    yield from _blocks(audio, _drums)


def _percussive(spectrum: Spectrum, hertz: F32) -> list[Spectrum]:
    """Harmonic-percussive separation by medians: percussive sounds spread over frequency, harmonic ones over time."""
    percussive, short = _struck(np.abs(spectrum).mean(axis=0))
    return [spectrum * np.maximum(percussive, short * (1 - _ramp(hertz, 150, 300)))]


def split_percussive(audio: Audio) -> Iterator[list[F32]]:
    """Splits percussive from harmonic sounds.

    Args:
        audio: A mix of any number of channels.

    Yields:
        Drums and the rest of consecutive blocks, each of shape (channels, n).
    """
    yield from _blocks(audio, _percussive)


def _vocals(spectrum: Spectrum, hertz: F32) -> list[Spectrum]:
    left, right = spectrum
    alike = 2 * (left * right.conj()).real / (np.square(np.abs(left)) + np.square(np.abs(right)) + _TINY)
    centre = np.maximum(alike, 0) ** _CENTRE_SHARPNESS
    voice = _ramp(hertz, 100, 180) * (1 - _ramp(hertz, 10_000, 14_000))
    magnitude = np.abs(spectrum).mean(axis=0)
    tonal = _share(_median(magnitude, 0), _median(magnitude, 1))
    middle = (left + right) / 2 * (centre * tonal * voice)
    return [np.stack([middle, middle])]


def split_vocals(audio: Audio) -> Iterator[list[F32]]:
    """Splits tonal sounds in the vocal range and in the centre of a stereo mix from the rest.

    Args:
        audio: A stereo mix.

    Returns:
        Vocals and accompaniment of consecutive blocks, each of shape (2, n).

    Raises:
        WorkflowFailure: `NOT_MODELLED`, if the audio isn't stereo or its channels are alike.
    """
    samples = audio.samples
    if len(samples) == 2:
        side, middle = samples[0] - samples[1], samples[0] + samples[1]
        if float(np.dot(side, side)) > _SIDE_FLOOR * float(np.dot(middle, middle)):
            return _blocks(audio, _vocals)
    raise WorkflowFailure(
        "NOT_MODELLED",
        "Not modelled",
        "The sandbox separates vocals by their place in the stereo image, and this file has one channel, two alike ones "
        "or more than two. Send a stereo mix, or run the job against the real service.",
    )
