"""The content of a lyrics file: a transcription, or lyrics aligned to the singing.

Words have the fields of WhisperX (`word`, `start`, `end`, `score`). WhisperX omits the times of words that it can't
align (source: real result files).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from musicai_sdk.models._lenient import Finite, Lenient, Maybe, Readable, Seconds

T = TypeVar("T")

_Several: TypeAlias = Annotated[tuple[T, ...], Readable(), Lenient(default=())]


class Syllable(BaseModel, frozen=True):
    """One sung syllable (source: real result files)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    syllable: str
    """The letters."""
    start: Maybe[Seconds] = None
    """The start, in seconds from the start of the input; None if it couldn't be aligned."""
    end: Maybe[Seconds] = None
    """The end, in seconds from the start of the input; None if it couldn't be aligned."""


class Word(BaseModel, frozen=True):
    """One sung word (source: real result files)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    word: str
    """The word with the punctuation around it."""
    start: Maybe[Seconds] = None
    """The start, in seconds from the start of the input; None if it couldn't be aligned."""
    end: Maybe[Seconds] = None
    """The end, in seconds from the start of the input; None if it couldn't be aligned."""
    score: Maybe[Finite] = None
    """The confidence, from 0 to 1."""
    syllables: _Several[Syllable] = ()
    """The syllables; empty if the workflow doesn't split words."""


class LyricLine(BaseModel, frozen=True):
    """One line of lyrics. Lines may overlap a little (source: real result files)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    start: Maybe[Seconds] = None
    """The start, in seconds from the start of the input; None if it couldn't be aligned."""
    end: Maybe[Seconds] = None
    """The end, in seconds from the start of the input; None if it couldn't be aligned."""
    text: str
    """The whole line."""
    language: Maybe[str] = None
    """The language's English name in lower case, `english` or `japanese`; not a code."""
    words: _Several[Word] = ()
    """The words; empty if the workflow returns only lines."""
