"""What notebooks show, as HTML for light and dark pages.

Everything here escapes its texts and removes the queries of URLs, which may hold signatures: notebooks are saved to files.
Styles are inline, because a notebook's cell has no style sheet of its own, and colours are half transparent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from musicai_sdk._text import printable, without_queries

LONGEST = 60
"""The most characters of a text in a table."""
AUDIO = {".wav", ".mp3", ".flac", ".ogg", ".m4a", ".aac", ".opus"}
VIDEO = {".mp4", ".webm", ".mov"}

_LEFT = "text-align:left;vertical-align:middle;padding:2px 12px 2px 0"
_RULE = "border-bottom:1px solid rgba(128,128,128,.35)"
_FAINT = "opacity:.7"


class Html(str):
    """HTML that is already escaped."""

    __slots__ = ()


def cell(value: object, longest: int = LONGEST) -> str:
    """A value as one line of text for a table: printable, short and without the queries of URLs."""
    if value is None or value == ():
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    text = printable(without_queries(str(value)))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def safe(value: object, longest: int = LONGEST) -> str:
    """A value as HTML."""
    return value if isinstance(value, Html) else escape(cell(value, longest))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table with a head."""
    head = "".join(f'<th scope="col" style="{_LEFT};{_RULE}">{escape(name)}</th>' for name in columns)
    cells = ("".join(f'<td style="{_LEFT}">{safe(value)}</td>' for value in row) for row in rows)
    body = "".join(f"<tr>{each}</tr>" for each in cells)
    return Html(
        f'<table style="border-collapse:collapse;margin:4px 0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def facts(values: Mapping[str, object]) -> Html:
    """A table of names with their values, without those that are None or empty."""
    rows = "".join(
        f'<tr><th scope="row" style="{_LEFT};font-weight:normal;{_FAINT}">{escape(name)}</th>'
        f'<td style="{_LEFT}">{safe(value, 1000)}</td></tr>'
        for name, value in values.items()
        if value is not None and value != ""
    )
    return Html(f'<table style="border-collapse:collapse;margin:4px 0"><tbody>{rows}</tbody></table>')


def card(title: str, *parts: str) -> str:
    """A title with what belongs to it."""
    return f'<div style="line-height:1.4"><div><b>{escape(printable(title))}</b></div>{"".join(parts)}</div>'


def note(text: str) -> Html:
    """A faint line."""
    return Html(f'<div style="{_FAINT}">{escape(printable(without_queries(text)))}</div>')


def badge(text: str, *, good: bool | None) -> Html:
    """A status in colour: green, red, or grey while it is unknown."""
    colour = {True: "46,148,84", False: "217,70,60", None: "128,128,128"}[good]
    return Html(
        f'<span style="padding:0 6px;border-radius:4px;background:rgba({colour},.25)">{escape(cell(text))}</span>'
    )


def link(path: Path, text: str | None = None) -> Html:
    """A link to a local file: relative to the working directory if it is in it, as notebooks need it."""
    return Html(f'<a href="{escape(_address(path))}" target="_blank">{safe(text or path.name, 300)}</a>')


def player(path: Path) -> Html:
    """A link to a local file, with a player if it is a recording."""
    kind = path.suffix.lower()
    element = "audio" if kind in AUDIO else "video" if kind in VIDEO else None
    if element is None:
        return link(path)
    size = "height:28px;max-width:280px" if element == "audio" else "max-width:320px"
    return Html(
        f'<{element} controls preload="none" style="{size};vertical-align:middle" src="{escape(_address(path))}">'
        f"</{element}> {link(path)}"
    )


def relative(source: str) -> str:
    """A path, relative to the working directory if it is in it; other texts unchanged."""
    return source.removeprefix(f"{Path.cwd()}{os.sep}")


def _address(path: Path) -> str:
    try:
        return quote(path.absolute().relative_to(Path.cwd()).as_posix())
    except ValueError:
        return path.absolute().as_uri()
