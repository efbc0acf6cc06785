"""Tracks as compact JSON for the page: texts that repeat in a catalogue appear once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeAlias, TypeVar

from musicai_sdk.batch.inputs.kinds import stem
from musicai_sdk.batch.ledger.states import OWED, STATES, UNSETTLED, State
from musicai_sdk.batch.report.format import without_queries
from musicai_sdk.batch.report.query import Listed
from musicai_sdk.batch.text import redacted, redacted_json

T = TypeVar("T")
Row: TypeAlias = list[Any]
"""Name, state, seconds, job, folder, shape, sizes; then failure, parameters and copies if there are any of these."""

_KEPT = 1000
"""The most texts of one kind that are interned; beyond that they hardly repeat."""
_TOGETHER = 100
"""The rows to encode together. With many more of them in memory, Python's garbage collector would run too often."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NUMBERS = {state: number for number, state in enumerate(STATES)}


class Interner(Generic[T]):
    """Gives values numbers, so that the page contains the text of each one once."""

    def __init__(self, as_text: Callable[[T], str]) -> None:
        self.texts: list[str] = []
        """The texts, in the order of their numbers."""
        self._as_text = as_text
        self._numbers = dict[T, int]()

    def number(self, value: T) -> int | str:
        """The value's number; its text if there are too many values."""
        found = self._numbers.get(value)
        if found is None:
            if len(self.texts) >= _KEPT:
                return self._as_text(value)
            found = self._numbers[value] = len(self.texts)
            self.texts.append(self._as_text(value))
        return found


class Rows:
    """Builds the rows of a page. The interned texts are complete when all rows are built."""

    def __init__(self, root: str) -> None:
        """Prepares rows of tracks whose sources begin with `root`, which is left out of the names."""
        self.texts: Interner[str] = Interner(str)
        self.shapes: Interner[tuple[tuple[str, str], ...]] = Interner(encoded)
        """Names of outputs, with their paths relative to the track's folder."""
        self._root = root

    def row(self, outputs: list[Listed], copies: list[str]) -> Row:
        """The row of a track."""
        _, state, source, params, folder, job, attempts, resume_at, code, message, took, _, path, size = (
            outputs[0]
        )
        name = self.name(source)
        shape: int | str = 0
        if path is None:
            outputs = []
        else:
            cut = len(folder) + 1  # a track's results are all in its folder
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
            row.append(self.texts.number(redacted_json(params)) if params is not None else "")
            row.append([self.name(each) for each in copies])
        return row

    def name(self, source: str) -> str:
        """A source for display: without the common root, and without a signature."""
        return redacted(source).removeprefix(self._root)

    def _failure(self, attempts: int, resume_at: State | None, code: str | None, message: str | None) -> Row:
        number = self.texts.number(without_queries(message or ""))
        return [code or "", number, attempts, int(resume_at in OWED)]


def written(rows: Iterable[Row]) -> Iterator[str]:
    """The rows as JSON, in pieces: the inside of a list, without its brackets."""
    part, lead = list[Row](), ""
    for row in rows:
        part.append(row)
        if len(part) == _TOGETHER:
            yield lead + encoded(part)[1:-1]
            part, lead = [], ",\n"
    if part:
        yield lead + encoded(part)[1:-1]


def encoded(value: object) -> str:
    """JSON that can't end the script element around it."""
    return _encode(value).replace("<", "\\u003c")
