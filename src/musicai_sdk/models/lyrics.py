"""The content of a lyrics file: a transcription, or lyrics aligned to the singing.

Words have the fields of WhisperX (`word`, `start`, `end`, `score`), which leaves the times out of a word that it can't
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
    """Its letters."""
    start: Maybe[Seconds] = None
    """Where it begins, in seconds from the start of the input; None when it could not be aligned."""
    end: Maybe[Seconds] = None
    """Where it ends, in seconds from the start of the input; None when it could not be aligned."""


class Word(BaseModel, frozen=True):
    """One sung word (source: real result files)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    word: str
    """The word with the punctuation around it."""
    start: Maybe[Seconds] = None
    """Where it begins, in seconds from the start of the input; None when it could not be aligned."""
    end: Maybe[Seconds] = None
    """Where it ends, in seconds from the start of the input; None when it could not be aligned."""
    score: Maybe[Finite] = None
    """How certain it is, from 0 to 1."""
    syllables: _Several[Syllable] = ()
    """Its syllables; empty when the workflow doesn't split words."""


class LyricLine(BaseModel, frozen=True):
    """One line of lyrics. Lines may overlap a little (source: real result files)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    start: Maybe[Seconds] = None
    """Where it begins, in seconds from the start of the input; None when it could not be aligned."""
    end: Maybe[Seconds] = None
    """Where it ends, in seconds from the start of the input; None when it could not be aligned."""
    text: str
    """The whole line."""
    language: Maybe[str] = None
    """The language's English name in lower case, `english` or `japanese`; not a code."""
    words: _Several[Word] = ()
    """Its words; empty when the workflow gives lines only."""
