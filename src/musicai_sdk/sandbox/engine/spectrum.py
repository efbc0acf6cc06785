"""Short-time spectra in blocks, so that memory doesn't grow with the length of the audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicai_sdk.sandbox.engine.audio import F32

_BLOCK_VALUES = 1 << 21


def hann(size: int) -> F32:
    """A periodic Hann window, shape (size,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def magnitudes(signal: F32, size: int, hop: int) -> Iterator[F32]:
    """Magnitude spectra of Hann-windowed frames, frame i centred at sample i * hop.

    Args:
        signal: Shape (n,).
        size: The frame length in samples.
        hop: The step between frames in samples.

    Yields:
        Blocks of shape (frames, size // 2 + 1), in which a sine of amplitude 1 peaks at 1;
        all blocks together have n // hop + 1 frames.
    """
    window = hann(size) * np.float32(4 / size)
    padded = np.pad(signal, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    step = max(1, _BLOCK_VALUES // size)
    for start in range(0, len(frames), step):
        yield np.abs(np.fft.rfft(frames[start : start + step] * window)).astype(np.float32)
