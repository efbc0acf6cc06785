"""Tracks as compact JSON for the page: what repeats in a catalogue is said once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeAlias, TypeVar

from musicai_sdk.batch.events import shown
from musicai_sdk.batch.reporting.reading import Listed
from musicai_sdk.batch.reporting.words import unsigned
from musicai_sdk.batch.sources import stem
from musicai_sdk.batch.tracks import PAID, STATES

T = TypeVar("T")
Row: TypeAlias = list[Any]
"""Name, state, seconds, job, folder, shape, sizes; and failure, parameters, copies, if there is one of them."""

_KEPT = 1000
"""Texts of one kind that are kept to be said once; with more of them they don't repeat much."""
_TOGETHER = 500
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NUMBERS = {state: number for number, state in enumerate(STATES)}


class Said(Generic[T]):
    """What is said once, as text, and then called by its number."""

    def __init__(self, as_text: Callable[[T], str]) -> None:
        self.texts: list[str] = []
        """All texts, in the order of their numbers."""
        self._as_text = as_text
        self._numbers = dict[T, int]()

    def number(self, value: T) -> int | str:
        """The value's number; its text when there are too many of them."""
        found = self._numbers.get(value)
        if found is None:
            if len(self.texts) >= _KEPT:
                return self._as_text(value)
            found = self._numbers[value] = len(self.texts)
            self.texts.append(self._as_text(value))
        return found


class Rows:
    """Makes the rows of a page. What is said once is complete when all rows are made."""

    def __init__(self, root: str, common_params: str) -> None:
        """Makes rows of tracks.

        Args:
            root: What the page says once for all sources.
            common_params: Parameters that need no mention.
        """
        self.texts: Said[str] = Said(str)
        self.shapes: Said[tuple[tuple[str, str], ...]] = Said(encoded)
        """Names of outputs and their paths below the folder."""
        self._root = root
        self._common = common_params

    def row(self, outputs: list[Listed], copies: list[str]) -> Row:
        """One track."""
        track = outputs[0]
        _, state, source, params, folder, job, *_, took, _, path, _ = track
        name = self.name(source)
        row: Row = [name, _NUMBERS[state], took, job or 0, 0 if folder == stem(name) else folder]
        if path is not None:
            cut = len(folder) + 1  # a track's results are all below its folder
            row.append(self.shapes.number(tuple([(each.name, (each.path or "")[cut:]) for each in outputs])))
            row.append(outputs[0].size if len(outputs) == 1 else [each.size for each in outputs])
        else:
            row += (0, [])
        failed = state in ("failed", "uncertain")
        if failed or copies or params != self._common:
            row.append(self._failure(track) if failed else 0)
            row.append(self.texts.number(params) if params != self._common else "")
            row.append([self.name(each) for each in copies])
        return row

    def name(self, source: str) -> str:
        """A source as it is shown: without what all have, and without a signature."""
        return shown(source).removeprefix(self._root)

    def _failure(self, track: Listed) -> Row:
        message = self.texts.number(unsigned(track.error_message or ""))
        return [track.error_code or "", message, track.attempts, int(track.resume_at in PAID)]


def written(rows: Iterable[Row]) -> Iterator[str]:
    """The rows as what is between the brackets of a JSON list, in pieces."""
    part, lead = list[Row](), ""
    for row in rows:
        part.append(row)
        if len(part) == _TOGETHER:
            yield lead + encoded(part)[1:-1]
            part, lead = [], ",\n"
    if part:
        yield lead + encoded(part)[1:-1]


def encoded(value: object) -> str:
    """JSON that can't end the script element that it stands in."""
    return _encode(value).replace("<", "\\u003c")
