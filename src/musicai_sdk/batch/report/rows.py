"""Tracks as compact JSON for the page: what repeats in a catalogue is said once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeAlias, TypeVar

from musicai_sdk.batch.inputs.kinds import stem
from musicai_sdk.batch.ledger.states import PAID, STATES, UNSETTLED, State
from musicai_sdk.batch.report.format import without_queries
from musicai_sdk.batch.report.query import Listed
from musicai_sdk.batch.text import redacted

T = TypeVar("T")
Row: TypeAlias = list[Any]
"""Name, state, seconds, job, folder, shape, sizes; and failure, parameters, copies, if there is one of them."""

_KEPT = 1000
"""Texts of one kind that are kept to be said once; with more of them they don't repeat much."""
_TOGETHER = 100
"""Rows that are encoded at a time: with many more of them alive Python looks for garbage again and again."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NUMBERS = {state: number for number, state in enumerate(STATES)}


class Interner(Generic[T]):
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

    def __init__(self, root: str) -> None:
        """Makes rows of tracks whose sources begin with `root`, which the page says once."""
        self.texts: Interner[str] = Interner(str)
        self.shapes: Interner[tuple[tuple[str, str], ...]] = Interner(encoded)
        """Names of outputs and their paths below the folder."""
        self._root = root

    def row(self, outputs: list[Listed], copies: list[str]) -> Row:
        """One track."""
        _, state, source, params, folder, job, attempts, resume_at, code, message, took, _, path, size = (
            outputs[0]
        )
        name = self.name(source)
        shape: int | str = 0
        if path is None:
            outputs = []
        else:
            cut = len(folder) + 1  # a track's results are all below its folder
            shape = self.shapes.number(tuple([(each[-3], (each[-2] or "")[cut:]) for each in outputs]))
        row: Row = [
            name,
            _NUMBERS[state],
            took,
            job or 0,
            0 if folder == stem(name) else folder,
            shape,
            size if len(outputs) == 1 else [each[-1] for each in outputs],
        ]
        failed = state in UNSETTLED
        if failed or copies or params is not None:
            row.append(self._failure(attempts, resume_at, code, message) if failed else 0)
            row.append(self.texts.number(params) if params is not None else "")
            row.append([self.name(each) for each in copies])
        return row

    def name(self, source: str) -> str:
        """A source as it is shown: without what all have, and without a signature."""
        return redacted(source).removeprefix(self._root)

    def _failure(self, attempts: int, resume_at: State | None, code: str | None, message: str | None) -> Row:
        number = self.texts.number(without_queries(message or ""))
        return [code or "", number, attempts, int(resume_at in PAID)]


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
