"""Compares idempotency keys with what a service shows of them: it may cut, mask, quote, escape or re-encode a key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from html import unescape
from typing import cast
from urllib.parse import unquote

from musicai_sdk._text import letters


def may_be_key(shown: str, key: str) -> bool:
    """Whether a text in metadata may be this key: the service may cut, mask, quote, escape or re-encode it.

    Only a text that can't have been made from the key proves that a job belongs to another request.
    """
    if shown == key:
        return True
    found, wanted = _letters_of_key(shown), _letters_of_key(key)
    if not any(map(any, found)) and any(character.isalpha() for character in shown):
        return letters(key).startswith(letters(shown))  # no Latin letters
    return any(_fits(parts, "".join(whole)) for parts, whole in zip(found, wanted, strict=True))


def mentions_key(metadata: object, key: str) -> bool:
    """Whether a value anywhere in metadata may be this key, under whatever name."""
    if isinstance(metadata, Mapping):
        return any(mentions_key(each, key) for each in cast("Mapping[str, object]", metadata).values())
    if isinstance(metadata, list):
        return any(mentions_key(each, key) for each in cast("list[object]", metadata))
    text = str(metadata)
    return text == key or (len(letters(text)) >= _TELLING and may_be_key(text, key))


_MASK = re.compile(r"…|\.{2,}|\*+")
"""What a service writes in place of the part of a key that it hides."""
_TELLING = 4
"""The fewest letters and digits by which the end of a key is recognised."""


@lru_cache(maxsize=8192)
def _letters_of_key(text: str) -> tuple[list[str], list[str]]:
    """The ASCII letters and digits of each part of a key that isn't hidden; also with base letters for accented ones."""
    text = re.sub(
        r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), unquote(unescape(text))
    ).lower()
    texts = (text, unicodedata.normalize("NFKD", text))
    without, base = ([re.sub(r"[^a-z0-9]+", "", part) for part in _MASK.split(each)] for each in texts)
    return without, base


def _fits(parts: list[str], whole: str) -> bool:
    head, tail = parts[0], parts[-1]
    if len(parts) > 1:
        return whole.startswith(head) and whole.endswith(tail)
    return whole.startswith(head) or (len(head) >= _TELLING and whole.endswith(head))
