"""Figures and names as people read them."""

from __future__ import annotations

import os

from musicai_sdk.batch.report.format import duration, size, without_controls, without_queries

__all__ = ["duration", "place", "printable", "rate", "shortened", "size", "times"]


def rate(per_second: float) -> str:
    """How often: `2.1/s`, `14/min`, `3.0/h`."""
    unit, seconds = next(
        ((unit, seconds) for unit, seconds in (("s", 1), ("min", 60)) if per_second * seconds >= 1),
        ("h", 3600),
    )
    value = per_second * seconds
    return f"{value:.0f}/{unit}" if value >= 9.95 else f"{value:.1f}/{unit}"


def times(count: int, what: str) -> str:
    """A number of something: `1 track`, `2,000 tracks`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Text from elsewhere, such as a file's name, that can't take over a terminal, break a line or tell a secret."""
    return without_controls(without_queries(text))


def place(source: str) -> str:
    """A source as short as it can be told: relative to where we are, if it lies there."""
    return printable(source.removeprefix(os.getcwd() + os.sep))  # noqa: PTH109 - once for each line drawn


def shortened(text: str, width: int) -> str:
    """A path with its end, which tells most, in so many characters."""
    return text if len(text) <= width else "…" + text[len(text) - max(width - 1, 1) :]
