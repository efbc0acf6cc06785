"""The content of a chords file."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Chord(BaseModel, frozen=True):
    """One chord segment. Segments follow each other without gaps (source: real result files).

    No chord is `"N"` in all ten spellings. Roots are spelled with sharps. The bass of a slash chord is in `bass`
    and not in the spellings.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    start: float
    """Where it begins, in seconds from the start of the input."""
    end: float
    """Where it ends, in seconds from the start of the input."""
    start_bar: int | None = None
    """The bar it begins in; bar 1 starts at the first downbeat, bar 0 is a pickup. Null without a beat grid."""
    start_beat: int | None = None
    """The beat it begins at, counted from 1 in its bar."""
    end_bar: int | None = None
    """The bar it ends in."""
    end_beat: int | None = None
    """The beat it ends at, counted from 1 in its bar."""
    chord_majmin: str
    """Reduced to major and minor: `E:maj`, `C#:min`, `N`."""
    bass: str | None = None
    """The bass note of a slash chord, else null."""
    bass_nashville: str | None = None
    """The bass note as a degree of the key, else null."""
    chord_complex_jazz: str | None = None
    """All extensions, jazz spelling: `E\u03947(9)`, `C-`."""
    chord_simple_jazz: str | None = None
    """Sevenths at most, jazz spelling: `E\u03947`."""
    chord_basic_jazz: str | None = None
    """Triads, jazz spelling: `E`."""
    chord_complex_pop: str | None = None
    """All extensions, pop spelling: `Emaj7(9)`, `Cm`."""
    chord_simple_pop: str | None = None
    """Sevenths at most, pop spelling: `Emaj7`."""
    chord_basic_pop: str | None = None
    """Triads, pop spelling: `E`."""
    chord_complex_nashville: str | None = None
    """All extensions, as a degree of the detected key: `1\u03947(9)`, `6-`."""
    chord_simple_nashville: str | None = None
    """Sevenths at most, as a degree of the detected key."""
    chord_basic_nashville: str | None = None
    """Triads, as a degree of the detected key: `1`, `b5`."""
