"""Formats figures for people, and escapes text."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from musicai_sdk._text import printable as without_controls
from musicai_sdk._text import without_queries

__all__ = ["duration", "moment", "number", "size", "text", "without_controls", "without_queries"]


def text(value: object) -> str:
    """Escapes text for HTML."""
    return escape(str(value))


def number(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def size(value: float) -> str:
    """Bytes as `1.2 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def duration(seconds: float) -> str:
    """`0.8 s`, `12 s`, `3 min`, `1.5 h`, `2.0 days`."""
    if seconds < 99.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def moment(at: float) -> str:
    """A time as a `<time>` element, which the page shows in the reader's time zone."""
    when = datetime.fromtimestamp(at, UTC)
    return f'<time datetime="{when:%Y-%m-%dT%H:%M:%SZ}">{when:%Y-%m-%d %H:%M} UTC</time>'
