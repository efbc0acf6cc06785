"""Numbers, names and paths in the form that people read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from musicai_sdk.batch.report.format import duration, size, without_controls, without_queries

if TYPE_CHECKING:
    pass

__all__ = ["duration", "plural", "printable", "rate", "short_path", "shortened", "size"]


def rate(per_second: float) -> str:
    """A frequency: `2.1/s`, `14/min`, `3.0/h`."""
    unit, seconds = next(
        ((unit, seconds) for unit, seconds in (("s", 1), ("min", 60)) if per_second * seconds >= 1),
        ("h", 3600),
    )
    value = per_second * seconds
    return f"{value:.0f}/{unit}" if value >= 9.95 else f"{value:.1f}/{unit}"


def plural(count: int, noun: str) -> str:
    """A number with its noun: `1 track`, `2,000 tracks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Foreign text, such as a file's name, without control characters and without the queries of URLs."""
    return without_controls(without_queries(text))


def short_path(source: str) -> str:
    """A source, relative to the working directory if it is inside."""
    return printable(source.removeprefix(os.getcwd() + os.sep))  # noqa: PTH109 - called for each line of the screen


def shortened(text: str, width: int) -> str:
    """The end of a path, in at most `width` characters."""
    return text if len(text) <= width else "…" + text[len(text) - max(width - 1, 1) :]
