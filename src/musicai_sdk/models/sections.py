"""The content of a sections file."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from musicai_sdk.models._lenient import Maybe, Seconds


class Section(BaseModel, frozen=True):
    """One part of the form of a song (source: third-party users agree)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", defer_build=True)

    start: Seconds
    """The start, in seconds from the start of the input."""
    end: Seconds
    """The end, in seconds from the start of the input."""
    label: Maybe[str] = None
    """The kind of part, such as `intro`, `verse`, `chorus`, in any letter case; the service doesn't publish its labels.
    None if unknown."""
