"""JSON as servers send it by mistake, made into JSON that every parser takes.

Python's parser and pydantic's each refuse something that can stand in an answer, and each with errors of their own. What
is refused in one place must not hide the rest of a page, so it is replaced in that place:

- a byte order mark, and texts in UTF-16 or UTF-32: read;
- bytes that aren't UTF-8, and surrogates without their other half: U+FFFD, because such a text can't be encoded;
- integers of more than 4,300 digits, which Python doesn't convert: their digits, as text;
- values nested more deeply than 100 levels: null, where the rest matters more than they do.
"""

from __future__ import annotations

import json
import re
import sys

from musicai_sdk._io.record import logger

DEEPEST = 100
"""Levels of arrays and objects that are kept; pydantic's parser takes 200."""
LONGEST_INTEGER = 4_000
"""Digits of an integer that is kept as a number."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class TooDeepError(ValueError):
    """It is nested more deeply than can be read."""


def mended(body: bytes, *, cut: bool = True) -> bytes:
    """The same JSON in UTF-8, without what some parser refuses.

    Args:
        body: The JSON.
        cut: Whether null takes the place of what is nested too deeply.

    Raises:
        TooDeepError: it is nested too deeply, and `cut` is false.
        ValueError: it isn't JSON.
    """
    text = body.decode(json.detect_encoding(body), "replace")
    shallow = _shallow(text)
    if shallow is not text:
        if not cut:
            raise TooDeepError(f"nested more deeply than {DEEPEST} levels")
        logger.warning(
            "an answer is nested more deeply than %d levels: what is deeper is read as null", DEEPEST
        )
    text = shallow
    try:
        value = json.loads(text, parse_int=_integer, strict=False)
        clean = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        # Whoever calls is nearly at the limit of Python's stack already.
        raise ValueError(
            f"it can't be read so near to the recursion limit of {sys.getrecursionlimit()}"
        ) from None
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", clean).encode()


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_INTEGER else digits


def _shallow(text: str) -> str:
    """The text with null for everything that is nested too deeply."""
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
