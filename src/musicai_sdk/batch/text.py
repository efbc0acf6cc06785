"""Text that is safe to show and to store."""

from __future__ import annotations

import json

from musicai_sdk._text import displayed, without_query


def redacted(source: str) -> str:
    """A source for events, reports and messages: a URL without its query, where signatures are, and without a password."""
    return without_query(source).removesuffix("?…") if "://" in source else source


def redacted_json(text: str) -> str:
    """Parameters, as JSON, for reports: URLs have no queries, and no passwords."""
    return json.dumps(displayed(json.loads(text)), ensure_ascii=False, separators=(",", ":"))


def storable(text: str) -> str:
    """Text that SQLite accepts: lone surrogates, which come from a wrong encoding, become question marks."""
    return text if text.isascii() else text.encode(errors="replace").decode()
