"""The content of a lyrics file: a transcription, or lyrics aligned to the singing."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

T = TypeVar("T")

_Several: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(lambda value: () if value is None else value)]


class Syllable(BaseModel, frozen=True):
    """One sung syllable (source: real result files)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    syllable: str
    """Its letters."""
    start: float
    """Where it begins, in seconds from the start of the input."""
    end: float
    """Where it ends, in seconds from the start of the input."""


class Word(BaseModel, frozen=True):
    """One sung word (source: real result files)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    word: str
    """The word with the punctuation around it."""
    start: float
    """Where it begins, in seconds from the start of the input."""
    end: float
    """Where it ends, in seconds from the start of the input."""
    score: float | None = None
    """How certain it is, from 0 to 1."""
    syllables: _Several[Syllable] = ()
    """Its syllables; empty when the workflow doesn't split words."""


class LyricLine(BaseModel, frozen=True):
    """One line of lyrics. Lines may overlap a little (source: real result files)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    start: float
    """Where it begins, in seconds from the start of the input."""
    end: float
    """Where it ends, in seconds from the start of the input."""
    text: str
    """The whole line."""
    language: str | None = None
    """The language's English name in lower case, `english` or `japanese`; not a code."""
    words: _Several[Word] = ()
    """Its words; empty when the workflow gives lines only."""
