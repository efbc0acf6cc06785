"""How a chord is written in the chords file: major/minor label, bass, jazz, pop and Nashville."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musicai_sdk.sandbox.engine.chords import NO_CHORD, PITCHES, split_label
from musicai_sdk.sandbox.engine.voicing import MAJOR_SEVENTH, MINOR_SEVENTH, TRIAD

if TYPE_CHECKING:
    from musicai_sdk.sandbox.engine.key import Key
    from musicai_sdk.sandbox.engine.voicing import Voicing

_DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")
_STYLES = ("jazz", "pop", "nashville")
_DETAILS = ("complex", "simple", "basic")
# By style, what follows the root (source: real result files).
_MINOR: Final = {"jazz": "-", "pop": "m", "nashville": "-"}
_SEVENTHS: Final = {
    MINOR_SEVENTH: {"jazz": "7", "pop": "7", "nashville": "7"},
    MAJOR_SEVENTH: {"jazz": "Δ7", "pop": "maj7", "nashville": "Δ7"},
}


def spell(label: str, key: Key | None, voicing: Voicing = TRIAD) -> dict[str, str | None]:
    """Returns the chord fields of a segment in the order of the file.

    Args:
        label: One of `chords.LABELS`, such as `E:maj` or `N`.
        key: The key; Nashville degrees count from its tonic, in minor too. `N` is spelled without one.
        voicing: The seventh, which all spellings but the basic ones have, and the bass, which none has.

    Returns:
        `chord_majmin`, `bass`, `bass_nashville` and `chord_{complex,simple,basic}_{jazz,pop,nashville}`. The engine
        recognises no extensions beyond sevenths, so that the complex spellings are the simple ones.
    """
    names = {"chord_majmin": label, "bass": None, "bass_nashville": None}
    if label == NO_CHORD or key is None:
        return {**names, **{f"chord_{detail}_{style}": NO_CHORD for style in _STYLES for detail in _DETAILS}}
    root, quality = split_label(label)
    if voicing.bass is not None:
        names |= {"bass": PITCHES[voicing.bass], "bass_nashville": _degree(voicing.bass, key)}
    for style in _STYLES:
        triad = _degree(root, key) if style == "nashville" else PITCHES[root]
        triad += _MINOR[style] if quality == "min" else ""
        full = triad + (_SEVENTHS[voicing.seventh][style] if voicing.seventh is not None else "")
        names |= {f"chord_{detail}_{style}": triad if detail == "basic" else full for detail in _DETAILS}
    return names


def _degree(pitch: int, key: Key) -> str:
    return _DEGREES[(pitch - key.tonic) % 12]
