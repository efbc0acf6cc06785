"""Results as tables: HTML in a notebook, text elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import cast

from pydantic import BaseModel
from typing_extensions import override

from musicai_sdk._text import printable

LONGEST = 60
"""The maximum number of characters in a cell."""


class Table:
    """Models as rows, with every field that has a value in at least one of them as a column.

    A notebook shows a table; `print` and `str` give text in columns.
    """

    def __init__(self, rows: Sequence[BaseModel]) -> None:
        fields = list(type(rows[0]).model_fields) if rows else []
        self._columns = [name for name in fields if any(_cell(getattr(row, name)) for row in rows)]
        self._rows = [[_cell(getattr(row, name)) for name in self._columns] for row in rows]

    @override
    def __str__(self) -> str:
        lines = [self._columns, *self._rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self._columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self._rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def table(rows: Sequence[BaseModel]) -> Table:
    """A table of chords, beats, sections or lyrics.

    Args:
        rows: Models of one kind, as `client.files.read` returns them.
    """
    return Table(rows)


def _cell(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, tuple):  # words, syllables
        parts = cast("tuple[BaseModel, ...]", value)
        value = " ".join(str(next(iter(part.model_dump().values()))) for part in parts)
    text = printable(str(value))  # it may be printed on a terminal
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
