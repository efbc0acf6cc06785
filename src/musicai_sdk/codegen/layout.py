"""Lays out Python text as `ruff format` does: on one line, or with one part and a comma on each."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence


def literal(text: str) -> str:
    """Returns a string literal, with double quotes unless the text has more of those than of single ones."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(character, quote) for character in text) + quote


def _escaped(character: str, quote: str) -> str:
    if character in {quote, "\\"}:
        return "\\" + character
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def listed(opening: str, parts: Sequence[str], closing: str, width: int, indent: str = "") -> str:
    """Returns parts between brackets, on one line of at most `width` columns, or else on a line each."""
    flat = f"{indent}{opening}{', '.join(parts)}{closing}"
    if not parts or (columns(flat) <= width and "\n" not in flat):
        return flat
    return "\n".join(
        [f"{indent}{opening}", *(f"{indent}    {part}," for part in parts), f"{indent}{closing}"]
    )


def columns(line: str) -> int:
    """Returns the width of a line as ruff counts it: wide characters have two columns."""
    return sum(2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1 for character in line)


def docstring(paragraphs: Sequence[str], width: int, indent: str = "    ") -> str:
    """Returns a docstring: the first sentence alone, then paragraphs of at most `width` columns."""
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


def arguments_docstring(about: str, descriptions: Mapping[str, str], width: int, indent: str) -> str:
    """Returns the docstring of a function: the first sentence of its description, and its arguments."""
    summary, _ = _first_sentence(_prose(about))
    arguments = [
        textwrap.fill(
            f"{name}: {_prose(text)}",
            width,
            initial_indent=f"{indent}    ",
            subsequent_indent=f"{indent}        ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in descriptions.items()
    ]
    return "\n".join([f'{indent}"""{summary}', "", f"{indent}Args:", *arguments, f'{indent}"""'])


def _prose(text: str) -> str:
    """Returns text that is safe in a docstring: one line, without invisible characters and double quotes."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    plain = " ".join(visible.split()).replace('"', "'").replace("\\", "\\\\")
    return plain if not plain or plain.endswith((".", "!", "?", "…", "。")) else f"{plain}."


def _first_sentence(text: str) -> tuple[str, str]:
    match = re.match(r"(.+?[.!?])\s+(?=[A-Z`'(])", text)
    return (match[1], text[match.end() :]) if match else (text, "")
