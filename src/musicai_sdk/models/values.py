"""Plain values in a job's result: text with a meaning, such as a key."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema, from_json

from musicai_sdk.models._lenient import readable

T = TypeVar("T")

_KEY = re.compile(r"\s*([A-Ga-g])\s*([#b\u266f\u266d]?)[\s:_-]*([A-Za-z]*)\s*")
_SIGNATURE = re.compile(r"\s*(\d+)\s*/\s*(\d+)\s*")
_MODES: dict[str, Literal["major", "minor"]] = {
    **dict.fromkeys(("", "major", "maj", "M"), "major"),
    **dict.fromkeys(("minor", "min", "m"), "minor"),
}


class _Text(str):
    """Text with a meaning, usable as a plain string."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accepts any text. For an unreadable text, the properties are None."""
        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )


class Key(_Text):
    """A musical key in the service's spelling: `C Major`, `A minor`, `Eb major`, `C` (source: third-party users).

    `tonic` and `mode` don't depend on the spelling.
    """

    __slots__ = ()

    @property
    def tonic(self) -> str | None:
        """The root with `#` or `b`, such as `Eb`; None if the text isn't a key."""
        parts = self._parts()
        return parts[0] if parts else None

    @property
    def mode(self) -> Literal["major", "minor"] | None:
        """`"major"` or `"minor"`; a text with only a root is major. None if the text isn't such a key."""
        parts = self._parts()
        return parts[1] if parts else None

    def _parts(self) -> tuple[str, Literal["major", "minor"]] | None:
        match = _KEY.fullmatch(self)
        if match is None:
            return None
        root, accidental, mode = match.groups()
        found = _MODES.get(mode if len(mode) == 1 else mode.lower())
        sign = {"\u266f": "#", "\u266d": "b"}.get(accidental, accidental)
        return (root.upper() + sign, found) if found else None


class TimeSignature(_Text):
    """A time signature, such as `4/4` (source: real result files)."""

    __slots__ = ()

    @property
    def beats(self) -> int | None:
        """The upper number, the beats per bar; None if the text isn't a time signature."""
        match = _SIGNATURE.fullmatch(self)
        return int(match[1]) if match else None

    @property
    def unit(self) -> int | None:
        """The lower number, the note value of a beat (4 for a quarter); None if the text isn't a time signature."""
        match = _SIGNATURE.fullmatch(self)
        return int(match[2]) if match else None


def _decoded(value: Any) -> Any:
    """The JSON value in a string; everything else unchanged."""
    return from_json(value) if isinstance(value, str) else value


class _Decoding:
    """Marks JSON that may be inside a string."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The value's schema, with unreadable elements left out as in a file."""
        lenient = readable(source)
        schema = handler(source) if lenient is source else handler.generate_schema(lenient)
        return core_schema.no_info_before_validator_function(_decoded, schema)


JsonText: TypeAlias = Annotated[T, _Decoding()]
"""A `T` that is in the result itself instead of a file, as JSON or as JSON inside a string (source: a user's code)."""
