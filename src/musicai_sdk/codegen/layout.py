"""Python text as `ruff format` leaves it, without ruff: everything on one line, or one part on each with a comma."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence


def literal(text: str) -> str:
    """A string literal: double quotes, unless the text has more of those than of single ones."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(character, quote) for character in text) + quote


def _escaped(character: str, quote: str) -> str:
    if character in {quote, "\\"}:
        return "\\" + character
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def listed(opening: str, parts: Sequence[str], closing: str, width: int, indent: str = "") -> str:
    """Parts between brackets: on one line if that isn't wider than `width`, else one line each."""
    flat = f"{indent}{opening}{', '.join(parts)}{closing}"
    if not parts or (columns(flat) <= width and "\n" not in flat):
        return flat
    return "\n".join(
        [f"{indent}{opening}", *(f"{indent}    {part}," for part in parts), f"{indent}{closing}"]
    )


def columns(line: str) -> int:
    """The width of a line as ruff counts it: wide characters are two columns."""
    return sum(2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1 for character in line)


def docstring(paragraphs: Sequence[str], width: int, indent: str = "    ") -> str:
    """A docstring: the first sentence alone, then paragraphs of no more than `width` columns."""
    texts = [text for text in map(_prose, paragraphs) if text]
    summary, rest = _first_sentence(texts[0])
    blocks = [
        textwrap.fill(text, width - len(indent), break_long_words=False, break_on_hyphens=False)
        for text in (rest, *texts[1:])
        if text
    ]
    if not blocks:
        return f'{indent}"""{summary}"""'
    text = "\n\n".join([f'"""{summary}', *blocks]) + '\n"""'
    return textwrap.indent(text, indent)


def _prose(text: str) -> str:
    """Text that can stand in a docstring as it is: one line, nothing invisible, no quotation marks to trip over."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    plain = " ".join(visible.split()).replace('"', "'").replace("\\", "\\\\")
    return plain if not plain or plain.endswith((".", "!", "?", "…", "。")) else f"{plain}."


def _first_sentence(text: str) -> tuple[str, str]:
    match = re.match(r"(.+?[.!?])\s+(?=[A-Z`'(])", text)
    return (match[1], text[match.end() :]) if match else (text, "")
