"""Plain values in a job's result: what the service sends as text, readable as what it means."""

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
    """Text with a meaning; a plain string to old code and to `json.dumps`."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Any text is accepted: what can't be read has the parts None."""
        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )


class Key(_Text):
    """A musical key as the service spells it: `C Major`, `A minor`, `Eb major`, `C` (source: third-party users).

    It is the text itself; `tonic` and `mode` are the same in every spelling.
    """

    __slots__ = ()

    @property
    def tonic(self) -> str | None:
        """The root with `#` or `b`, such as `Eb`; None when the text isn't a key."""
        parts = self._parts()
        return parts[0] if parts else None

    @property
    def mode(self) -> Literal["major", "minor"] | None:
        """Major (also when the text only has a root) or minor; None when the text isn't such a key."""
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
        """The upper number: how many beats a bar has; None when the text isn't a time signature."""
        match = _SIGNATURE.fullmatch(self)
        return int(match[1]) if match else None

    @property
    def unit(self) -> int | None:
        """The lower number: which note is a beat, 4 for a quarter; None when the text isn't a time signature."""
        match = _SIGNATURE.fullmatch(self)
        return int(match[2]) if match else None


def _decoded(value: Any) -> Any:
    """The value that a string holds as JSON; everything else as it is."""
    return from_json(value) if isinstance(value, str) else value


class _Decoding:
    """Marks JSON that may be written into a string."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """That of the value, in which single elements may be unreadable as in a file."""
        lenient = readable(source)
        schema = handler(source) if lenient is source else handler.generate_schema(lenient)
        return core_schema.no_info_before_validator_function(_decoded, schema)


JsonText: TypeAlias = Annotated[T, _Decoding()]
"""A `T` that stands in the result itself, as JSON or as JSON written into a string (source: a user's code)."""
