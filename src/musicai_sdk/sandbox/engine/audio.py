"""Audio in and out: decoding through libsndfile, mixing to mono, resampling, and 16-bit WAV files."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from math import ceil, gcd
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, cast

import numpy as np
import soundfile  # untyped: only `_open` uses it
from numpy.typing import NDArray

from musicai_sdk.sandbox.engine.failure import bad_input

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

F32: TypeAlias = NDArray[np.float32]

ANALYSIS_RATE = 22_050
"""The sample rate of the analysis of chords and beats, in Hz."""

_BLOCK = 1 << 18
_MAX_VALUES = 30 * 60 * 48_000 * 2
_LOUDEST = 16.0
_ZERO_CROSSINGS = 16
_FULL_SCALE = 32_768.0


@dataclass(frozen=True)
class Audio:
    """Decoded audio."""

    samples: F32
    """Shape (channels, n), full scale is ±1."""
    rate: int
    """Samples per second."""

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return float(self.samples.shape[1] / self.rate)

    def mono(self) -> F32:
        """The mean of the channels, shape (n,)."""
        if len(self.samples) == 1:
            return np.asarray(self.samples[0], dtype=np.float32)
        return np.asarray(self.samples.mean(axis=0), dtype=np.float32)


class _Reader(Protocol):
    samplerate: int
    channels: int

    def read(self, frames: int, dtype: str, always_2d: bool) -> F32: ...  # noqa: FBT001 - soundfile's own

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


_SOUNDFILE = cast("Any", soundfile)
# For a file named *.raw, soundfile raises TypeError, because it needs the rate.
_UNREADABLE: tuple[type[Exception], ...] = (_SOUNDFILE.SoundFileError, TypeError)


def _open(path: Path) -> _Reader:
    return cast("_Reader", _SOUNDFILE.SoundFile(str(path)))


def blocks(path: Path) -> Iterator[tuple[int, F32]]:
    """Decodes a file block by block.

    Yields:
        The sample rate in Hz, and samples of shape (n, channels); at least once.

    Raises:
        WorkflowFailure: `BAD_INPUT` when the file is empty, not audio, or too long to hold in memory.
    """
    values = 0
    try:
        with _open(path) as reader:
            while (block := reader.read(_BLOCK, dtype="float32", always_2d=True)).size:
                values += block.size
                if values > _MAX_VALUES:
                    raise bad_input(
                        f"{path.name!r}: The audio is too long for the sandbox, which holds a whole file in memory. "
                        "Send at most 30 minutes of stereo at 48 kHz."
                    )
                np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
                yield reader.samplerate, np.clip(block, -_LOUDEST, _LOUDEST, out=block)
    except _UNREADABLE as error:
        # Not the whole text of the error: it has the path of a private folder.
        reason = str(getattr(error, "error_string", "") or "format not recognised").rstrip(".")
        advice = "Send a WAV, FLAC, OGG, Opus or MP3 file."
        if _is_aac(path):
            reason = "the sandbox has no decoder for AAC, unlike the service"
            advice = "Convert it first, for example with: ffmpeg -i song.m4a song.flac"
        raise bad_input(f"{path.name!r}: The file can't be decoded as audio ({reason}). {advice}") from error
    if not values:
        raise bad_input(f"{path.name!r}: The file has no audio in it: it decodes to 0 samples.")


def _is_aac(path: Path) -> bool:
    """Whether a file is AAC by its first bytes: an MP4 container, or an ADTS frame."""
    with path.open("rb") as file:
        start = file.read(8)
    return start[4:] == b"ftyp" or (
        start[:1] == b"\xff" and start[1:2] in (b"\xf0", b"\xf1", b"\xf8", b"\xf9")
    )


def decode(path: Path, *, mono: bool = False) -> Audio:
    """Decodes a WAV, FLAC, OGG (Vorbis or Opus), MP3 or other file that libsndfile knows.

    Args:
        path: The file; its contents decide the format, not its name.
        mono: Whether to mix down each block, which halves the memory for a long file.

    Returns:
        The whole file. Samples that aren't finite become 0, and those beyond ±16 are clipped, so that a damaged float file
        can't overflow the analysis.

    Raises:
        WorkflowFailure: `BAD_INPUT` when the file is empty, not audio, or too long to hold in memory.
    """
    pieces: list[F32] = []
    frames, rate = 0, 0
    for rate, block in blocks(path):  # noqa: B007 - all blocks have the same rate
        pieces.append(block.mean(axis=1, keepdims=True, dtype=np.float32) if mono else block)
        frames += len(block)
    samples = np.empty((pieces[0].shape[1], frames), dtype=np.float32)
    at = samples.shape[1]
    while pieces:  # frees each block once it is copied, so that the file isn't in memory twice
        block = pieces.pop()
        samples[:, at - len(block) : at] = block.T
        at -= len(block)
    return Audio(samples, rate)


def resample(signal: F32, rate: int, to: int) -> F32:
    """Resamples with a windowed sinc, one polyphase branch at a time.

    Args:
        signal: Shape (n,).
        rate: The signal's sample rate in Hz.
        to: The wanted sample rate in Hz.

    Returns:
        Shape (ceil(n * to / rate),).
    """
    if rate == to:
        return signal
    common = gcd(rate, to)
    up, down = to // common, rate // common
    cutoff = min(1.0, up / down)
    half = ceil(_ZERO_CROSSINGS / cutoff)
    length = -(-len(signal) * up // down)
    result = np.empty(length, dtype=np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(signal, (half, half + 1)), 2 * half)
    for branch in range(min(up, length)):
        whole, part = divmod(branch * down, up)
        offset = np.arange(1 - half, half + 1) - part / up
        kernel = cutoff * np.sinc(cutoff * offset) * np.cos(np.pi * offset / (2 * half + 2)) ** 2
        count = -(-(length - branch) // up)
        result[branch::up] = windows[whole + 1 :: down][:count] @ kernel.astype(np.float32)
    return result


def analysis_signal(audio: Audio) -> F32:
    """The mono mix at `ANALYSIS_RATE`, shape (n,)."""
    return resample(audio.mono(), audio.rate, ANALYSIS_RATE)


class WavWriter:
    """Writes a 16-bit PCM WAV file block by block."""

    def __init__(self, path: Path, rate: int, channels: int) -> None:
        self._file = wave.open(str(path), "wb")  # noqa: SIM115 - closed in __exit__
        self._file.setnchannels(channels)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def write(self, samples: F32) -> None:
        """Appends samples of shape (channels, n); those beyond full scale are clipped."""
        scaled = np.clip(np.rint(samples.T * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
        self._file.writeframesraw(scaled.astype("<i2").tobytes())


def write_wav(path: Path, samples: F32, rate: int) -> None:
    """Writes samples of shape (channels, n), full scale ±1, as a 16-bit PCM WAV file."""
    with WavWriter(path, rate, samples.shape[0]) as writer:
        writer.write(samples)
