"""The content of a chords file."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from musicai_sdk.models._lenient import Maybe, Seconds


class Chord(BaseModel, frozen=True):
    """One chord segment. Segments have no gaps between them (source: real result files).

    "No chord" is `"N"` in all ten spellings. Roots are spelled with sharps. The bass of a slash chord is in `bass`
    and not in the spellings.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    start: Seconds
    """The start, in seconds from the start of the input."""
    end: Seconds
    """The end, in seconds from the start of the input."""
    start_bar: Maybe[int] = None
    """The bar of the start. Bar 1 begins at the first downbeat, bar 0 is a pickup. None without a beat grid."""
    start_beat: Maybe[int] = None
    """The beat of the start, counted from 1 in its bar."""
    end_bar: Maybe[int] = None
    """The bar of the end."""
    end_beat: Maybe[int] = None
    """The beat of the end, counted from 1 in its bar."""
    chord_majmin: str
    """Reduced to major and minor: `E:maj`, `C#:min`, `N`."""
    bass: Maybe[str] = None
    """The bass note of a slash chord, else None."""
    bass_nashville: Maybe[str] = None
    """The bass note as a degree of the key, else None."""
    chord_complex_jazz: Maybe[str] = None
    """All extensions, jazz spelling: `E\u03947(9)`, `C-`."""
    chord_simple_jazz: Maybe[str] = None
    """Sevenths at most, jazz spelling: `E\u03947`."""
    chord_basic_jazz: Maybe[str] = None
    """Triads, jazz spelling: `E`."""
    chord_complex_pop: Maybe[str] = None
    """All extensions, pop spelling: `Emaj7(9)`, `Cm`."""
    chord_simple_pop: Maybe[str] = None
    """Sevenths at most, pop spelling: `Emaj7`."""
    chord_basic_pop: Maybe[str] = None
    """Triads, pop spelling: `E`."""
    chord_complex_nashville: Maybe[str] = None
    """All extensions, as a degree of the detected key: `1\u03947(9)`, `6-`."""
    chord_simple_nashville: Maybe[str] = None
    """Sevenths at most, as a degree of the detected key."""
    chord_basic_nashville: Maybe[str] = None
    """Triads, as a degree of the detected key: `1`, `b5`."""
