"""Text that is safe to show and to store."""

from __future__ import annotations

from musicai_sdk._text import without_query
from musicai_sdk._text import without_signatures as without_signatures


def redacted(source: str) -> str:
    """A source for events, reports and messages: a URL without its query, where signatures are, and without a password."""
    return without_query(source).removesuffix("?…") if "://" in source else source


def storable(text: str) -> str:
    """Text that SQLite accepts: lone surrogates, which come from a wrong encoding, become question marks."""
    return text if text.isascii() else text.encode(errors="replace").decode()
