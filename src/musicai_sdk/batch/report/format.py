"""Formats figures for people, and escapes text."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from musicai_sdk._text import duration, size, without_queries
from musicai_sdk._text import printable as without_controls

__all__ = ["duration", "moment", "number", "size", "text", "without_controls", "without_queries"]


def text(value: object) -> str:
    """Escapes text for HTML."""
    return escape(str(value))


def number(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def moment(at: float) -> str:
    """A time as a `<time>` element, which the page shows in the reader's time zone."""
    when = datetime.fromtimestamp(at, UTC)
    return f'<time datetime="{when:%Y-%m-%dT%H:%M:%SZ}">{when:%Y-%m-%d %H:%M} UTC</time>'
