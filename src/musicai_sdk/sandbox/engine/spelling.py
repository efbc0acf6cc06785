"""How a chord is written in the chords file: major/minor label, jazz, pop and Nashville."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicai_sdk.sandbox.engine.chords import NO_CHORD, PITCHES

if TYPE_CHECKING:
    from musicai_sdk.sandbox.engine.key import Key

_DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")
_STYLES = ("jazz", "pop", "nashville")
_DETAILS = ("complex", "simple", "basic")


def spell(label: str, key: Key | None) -> dict[str, str | None]:
    """The chord fields of a segment in the order of the file.

    Args:
        label: One of `chords.LABELS`, such as `E:maj` or `N`.
        key: The key that Nashville degrees are counted from; `N` is spelled without one.

    Returns:
        `chord_majmin`, `bass`, `bass_nashville` and `chord_{complex,simple,basic}_{jazz,pop,nashville}`.
        Only major and minor are recognised, so the three details are alike and there is never a bass.
    """
    if label == NO_CHORD or key is None:
        written = dict.fromkeys(_STYLES, NO_CHORD)
    else:
        root, quality = label.split(":")
        degree = _DEGREES[(PITCHES.index(root) - key.tonic) % 12]
        minor = quality == "min"
        written = {
            "jazz": root + "-" * minor,
            "pop": root + "m" * minor,
            "nashville": degree + "-" * minor,
        }
    return {
        "chord_majmin": label,
        "bass": None,
        "bass_nashville": None,
        **{f"chord_{detail}_{style}": written[style] for style in _STYLES for detail in _DETAILS},
    }
