"""Chord recognition: templates on log-compressed chroma, smoothed by a Viterbi decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicai_sdk.sandbox.engine.chroma import FRAMES_PER_SECOND, Chroma, chroma
from musicai_sdk.sandbox.engine.voicing import TRIAD, Voicing, VoicingFinder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from musicai_sdk.sandbox.engine.audio import F32

PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
NO_CHORD = "N"
LABELS = (*(f"{pitch}:maj" for pitch in PITCHES), *(f"{pitch}:min" for pitch in PITCHES), NO_CHORD)
"""The decoder's states."""

# The decoder's seventh chords only help to find the root: with triads alone, D-F-A-C fits F as well as D minor.
_MAJOR = ((0, 4, 7), (0, 4, 7, 11), (0, 4, 7, 10))
_MINOR = ((0, 3, 7), (0, 3, 7, 10))
_SEVENTH_PENALTY = 0.03
_SMOOTHING = 5
_SHARPNESS = 3.0
_STAY = 0.97
# The score that the best template of a chord has to beat. Pitched drums stay below.
_NO_CHORD_SCORE = 0.55
# Mean over two seconds: noise stays below 0.04, noise bursts below 0.07, the thinnest music above 0.1.
_TONAL_FLOOR = 0.07
_TONAL_FRAMES = 21
# The third strongest pitch class of one second against the strongest: a lone sine has none.
_THIRD_CLASS = 0.25
_CLASS_FRAMES = 11
_QUIET = 1e-4
_QUIET_IN_SONG = 0.01


def split_label(label: str) -> tuple[int, str]:
    """Returns the pitch class of a label's root, 0 for C, and its quality: `maj` or `min`."""
    root, quality = label.split(":")
    return PITCHES.index(root), quality


@dataclass(frozen=True)
class Chord:
    """A stretch of one chord."""

    start: float
    """Seconds."""
    end: float
    """Seconds."""
    label: str
    """One of `LABELS`."""
    voicing: Voicing = TRIAD
    """Its seventh and its bass."""


def _mean(values: F32, frames: int) -> F32:
    """The running mean over an odd number of frames of shape (frames, columns), edges repeated."""
    padded = np.pad(values, ((frames // 2, frames // 2), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, frames, axis=0)
    return np.asarray(windows.mean(axis=2), dtype=np.float32)


def _centred(rows: F32) -> F32:
    """Rows without their mean and at length 1, so that a product of two is their correlation."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)


def _family(classes: F32, qualities: Iterable[tuple[int, ...]]) -> F32:
    """Shape (frames, 12): the best correlation with a chord of these qualities on each root."""
    scores: list[F32] = []
    for quality in qualities:
        templates = np.zeros((12, 12), dtype=np.float32)
        for root in range(12):
            templates[root, [(root + interval) % 12 for interval in quality]] = 1
        penalty = _SEVENTH_PENALTY if len(quality) > 3 else 0.0
        scores.append(classes @ _centred(templates).T - np.float32(penalty))
    return np.asarray(np.max(scores, axis=0), dtype=np.float32)


def _scores(features: Chroma) -> F32:
    """Shape (frames, 25): how well each of `LABELS` fits each frame."""
    smooth = _centred(_mean(features.classes, _SMOOTHING))
    chords = np.concatenate([_family(smooth, _MAJOR), _family(smooth, _MINOR)], axis=1)
    tonal = _mean(features.tonal[:, None], _TONAL_FRAMES)[:, 0]
    classes = np.sort(_mean(features.classes, _CLASS_FRAMES), axis=1)
    quiet = max(_QUIET, _QUIET_IN_SONG * float(np.percentile(features.level, 95)))
    unpitched = tonal < _TONAL_FLOOR
    unpitched |= features.level < quiet
    unpitched |= classes[:, -3] < _THIRD_CLASS * classes[:, -1]
    chords[unpitched] = -1
    return np.pad(chords, ((0, 0), (0, 1)), constant_values=_NO_CHORD_SCORE)


def _viterbi(scores: F32) -> NDArray[np.intp]:
    """The best path, shape (frames,), when a state is kept with probability `_STAY` from frame to frame."""
    frames, states = len(scores), len(LABELS)
    emission = _SHARPNESS * scores
    stay, leave = np.log(_STAY), np.log((1 - _STAY) / (states - 1))
    own = np.arange(states)
    total = emission[0]
    previous = np.empty((frames, states), dtype=np.intp)
    for frame in range(1, frames):
        best = int(total.argmax())
        moved = total[best] + leave
        kept = total + stay
        previous[frame] = np.where(kept >= moved, own, best)
        total = np.maximum(kept, moved) + emission[frame]
    path = np.empty(frames, dtype=np.intp)
    path[-1] = total.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = previous[frame, path[frame]]
    return path


def find_chords(signal: F32, seconds: float) -> list[Chord]:
    """Recognises major and minor chords, their sevenths and their basses.

    Args:
        signal: Mono, shape (n,), at `ANALYSIS_RATE`.
        seconds: Where the last chord ends.

    Returns:
        Contiguous chords from 0 to `seconds`; neighbours differ. `N` where no chord is certain.
    """
    features = chroma(signal)
    path = _viterbi(_scores(features))
    changes = np.flatnonzero(np.diff(path)) + 1
    # Frame i stands for the tenth of a second around its centre.
    times = [0.0, *((int(change) - 0.5) / FRAMES_PER_SECOND for change in changes), seconds]
    labels = [LABELS[int(path[at])] for at in (0, *changes)]
    voicings = VoicingFinder(signal, features)

    def chord(start: float, end: float, label: str) -> Chord:
        if label == NO_CHORD:
            return Chord(start, end, label)
        root, quality = split_label(label)
        return Chord(start, end, label, voicings.of(start, end, root, minor=quality == "min"))

    return [chord(*each) for each in zip(times[:-1], times[1:], labels, strict=True)]
