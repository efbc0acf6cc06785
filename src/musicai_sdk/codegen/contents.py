"""The contents of JSON outputs and plain values, and their types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

from pydantic import TypeAdapter, ValidationError

from musicai_sdk.models import Beat, Chord, Key, LanguageDetails, LyricLine, Section, TimeSignature

JsonContent: TypeAlias = Literal["chords", "beats", "sections", "lyrics", "language", "json"]
"""The content of a JSON file, or of JSON inside a result; `json` for everything else."""
ValueContent: TypeAlias = Literal["text", "number", "flag", "key", "time_signature", "any"]
"""The meaning of a plain value; `any` if its values have nothing in common."""

JSON_CONTENTS: tuple[str, ...] = get_args(JsonContent)


@dataclass(frozen=True, slots=True)
class ContentType:
    """The Python type of a content, as text and as an object."""

    text: str
    """The type in an annotation."""
    names: tuple[str, ...]
    """The names that the annotation needs imported."""
    value: Any
    """The type itself."""


CONTENTS: dict[str, ContentType] = {
    "chords": ContentType("list[Chord]", ("Chord",), list[Chord]),
    "beats": ContentType("list[Beat]", ("Beat",), list[Beat]),
    "lyrics": ContentType("list[LyricLine]", ("LyricLine",), list[LyricLine]),
    "sections": ContentType("list[Section]", ("Section",), list[Section]),
    "language": ContentType("LanguageDetails", ("LanguageDetails",), LanguageDetails),
    "json": ContentType("Any", ("Any",), Any),
    "text": ContentType("str", (), str),
    "number": ContentType("float", (), float),
    "flag": ContentType("bool", (), bool),
    "key": ContentType("Key", ("Key",), Key),
    "time_signature": ContentType("TimeSignature", ("TimeSignature",), TimeSignature),
    "any": ContentType("OutputValue", ("OutputValue",), Any),
}
"""The type of every content. Shapes are tried in this order."""

_SHAPES: dict[JsonContent, frozenset[str]] = {
    "chords": frozenset({"start", "end", "chord_majmin"}),
    "beats": frozenset({"time", "beatNum"}),
    "lyrics": frozenset({"start", "end", "text"}),
    "sections": frozenset({"start", "end", "label"}),
}
"""The fields of every element, for contents that are recognised by shape. The models require fewer."""


def recognised(content: object) -> JsonContent | None:
    """Returns the content of some JSON by its shape; None for an empty list, which could be any."""
    if content == []:
        return None
    for name, fields in _SHAPES.items():
        if not _all_have(content, fields):
            continue
        try:
            TypeAdapter[Any](CONTENTS[name].value).validate_python(content)
        except ValidationError:
            continue
        return name
    return "json"


def _all_have(content: object, fields: frozenset[str]) -> bool:
    """Whether some JSON is a list of objects in which each of these fields has a value."""
    if not isinstance(content, list):
        return False
    return all(
        isinstance(each, dict)
        and all(cast("dict[str, Any]", each).get(field) is not None for field in fields)
        for each in cast("list[object]", content)
    )
