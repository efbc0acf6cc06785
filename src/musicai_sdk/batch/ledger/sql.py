"""Pieces of SQL statements."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_MOST = 400
"""The most values in one `IN (…)`. Older builds of SQLite allow 999 in a statement."""


def marks(values: Collection[object]) -> str:
    """A question mark for each value: `?, ?, ?`."""
    return ", ".join("?" * len(values))


def chunked(values: Sequence[T]) -> Iterator[tuple[str, Sequence[T]]]:
    """Splits values into parts that fit into one `IN (…)`. Yields each part with its question marks."""
    for start in range(0, len(values), _MOST):
        part = values[start : start + _MOST]
        yield marks(part), part
