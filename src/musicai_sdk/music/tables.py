"""Results as tables: HTML in a notebook, text elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pydantic import BaseModel
from typing_extensions import override

from musicai_sdk._frames import data_frame
from musicai_sdk._notebook import cell, note
from musicai_sdk._notebook import table as notebook_table
from musicai_sdk.errors import InputError
from musicai_sdk.music.strips import strip

LISTED = 200
"""The most rows in a notebook's cell."""


class Table:
    """Models as rows, with every field that has a value in at least one of them as a column.

    A notebook shows a table, and above it chords, sections and lyrics as a coloured strip over the time. `print` and
    `str` give text in columns, `rows` and `to_pandas` the values.
    """

    def __init__(self, rows: Sequence[BaseModel]) -> None:
        fields = list(type(rows[0]).model_fields) if rows else []
        self._models = list(rows)
        self._columns = [name for name in fields if any(_cell(getattr(row, name)) for row in rows)]
        self._cells = [[_cell(getattr(row, name)) for name in self._columns] for row in rows]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The values of the columns as plain data, one dictionary for each model; times are in seconds."""
        return [row.model_dump(include=set(self._columns)) for row in self._models]

    def to_pandas(self) -> Any:
        """The rows as a `pandas.DataFrame`.

        Raises:
            ConfigurationError: pandas isn't installed: `pip install pandas`.
        """
        return data_frame(self.rows, self._columns)

    @override
    def __str__(self) -> str:
        lines = [self._columns, *self._cells]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table in a notebook, below a strip over the time if the models have times and labels."""
        left = len(self._cells) - LISTED
        more = note(f"and {left:,} more: .rows has all of them") if left > 0 else ""
        return f"{strip(self._models)}{notebook_table(self._columns, self._cells[:LISTED])}{more}"


def table(rows: Sequence[BaseModel]) -> Table:
    """A table of chords, beats, sections or lyrics, or of other models.

    Args:
        rows: Models of one kind, as `client.files.read` returns them.

    Raises:
        InputError: they aren't.
    """
    given = cast("object", rows)
    kinds = (
        {type(each) for each in cast("Sequence[object]", given)}
        if isinstance(given, Sequence)
        else {type(given)}
    )
    if len(kinds) > 1 or not all(issubclass(kind, BaseModel) for kind in kinds):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise InputError(
            f"a table needs a list of models of one kind, as client.files.read returns it, not {names}"
        )
    return Table(rows)


def _cell(value: object) -> str:
    if isinstance(value, tuple):  # words, syllables
        parts = cast("tuple[BaseModel, ...]", value)
        value = " ".join(str(next(iter(part.model_dump().values()))) for part in parts) or None
    return cell(value)
