"""Repairs malformed JSON of servers, so that every parser accepts it.

Python's parser and pydantic's parser reject different input. A rejected value must not hide the rest of a page, so this
module replaces it:

- a byte order mark, UTF-16 and UTF-32 are decoded;
- bytes that aren't UTF-8, and lone surrogates, become U+FFFD, because such text can't be encoded;
- integers of more than 4,300 digits, which Python doesn't convert, become text;
- values nested more than 100 levels deep become null, unless the caller needs them.
"""

from __future__ import annotations

import json
import re
import sys

from musicai_sdk._io.record import logger

DEEPEST = 100
"""The most levels of arrays and objects; pydantic's parser accepts 200."""
LONGEST_INTEGER = 4_000
"""The most digits of an integer that stays a number."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class TooDeepError(ValueError):
    """The JSON is nested too deeply."""


def repaired(body: bytes, *, cut: bool = True) -> bytes:
    """The same JSON in UTF-8, in a form that every parser accepts.

    Args:
        body: The JSON.
        cut: Whether values that are nested too deeply become null.

    Raises:
        TooDeepError: the JSON is nested too deeply, and `cut` is false.
        ValueError: the body isn't JSON.
    """
    text = body.decode(json.detect_encoding(body), "replace")
    shallow = _shallow(text)
    if shallow is not text:
        if not cut:
            raise TooDeepError(f"nested more deeply than {DEEPEST} levels")
        logger.warning(
            "an answer is nested more deeply than %d levels: deeper values are read as null", DEEPEST
        )
    text = shallow
    try:
        value = json.loads(text, parse_int=_integer, strict=False)
        clean = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        # The caller is itself close to Python's recursion limit.
        raise ValueError(
            f"it can't be read so close to the recursion limit of {sys.getrecursionlimit()}"
        ) from None
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", clean).encode()


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_INTEGER else digits


def _shallow(text: str) -> str:
    """The text with null in place of values that are nested too deeply."""
    kept = list[str]()
    depth, begin, cut = 0, 0, 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                if depth == DEEPEST + 1:
                    cut = token.start()
            case "]" | "}":
                if depth == DEEPEST + 1:
                    kept += text[begin:cut], "null"
                    begin = token.end()
                depth -= 1
            case _:
                pass
    if depth > DEEPEST:
        raise ValueError(f"it ends within {depth} nested values")
    return "".join((*kept, text[begin:])) if kept else text
