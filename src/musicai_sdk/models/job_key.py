"""Whose job it is, by what a service shows of its key and its workflow.

A service may cut, mask, quote, escape or re-encode the texts in metadata, or replace them by a constant. So each job has a
digest of its key beside the key. If the shown key and the shown digest agree, neither was changed, and the job belongs to
no other key, however similar. Jobs of 2.0.0 have no such digest.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any
from urllib.parse import unquote

from musicai_sdk._text import letters
from musicai_sdk.models.job import IDEMPOTENCY_KEY, KEY_DIGEST, REQUEST_DIGEST, own_entry


def key_entries(key: str) -> dict[str, str]:
    """The metadata entries of a new job with this key."""
    return {IDEMPOTENCY_KEY: key, KEY_DIGEST: _digest(key)}


@dataclass(frozen=True, slots=True)
class ShownKey:
    """What the metadata of a job shows of its key."""

    text: str | None
    """The key, perhaps changed; None if there is none."""
    digest: str | None
    """The digest of the key, perhaps changed; None if there is none."""
    exact: bool
    """Whether the key was certainly not changed."""

    def is_of(self, key: str) -> bool | None:
        """Whether the job belongs to a key; None if that isn't shown."""
        if self.text is None:
            return None
        if self.text == key:
            # With an unchanged digest of another key, the text is the beginning of that key.
            cut = self.digest is not None and _DIGEST.fullmatch(self.digest) and not self.exact
            return None if cut else True
        if self.digest is not None:
            return False if self.exact else None
        return None if may_be_key(self.text, key) else False


def shown_key(metadata: Mapping[str, Any] | None) -> ShownKey:
    """The key in the metadata of a job."""
    text, digest = own_entry(metadata, IDEMPOTENCY_KEY), own_entry(metadata, KEY_DIGEST)
    if text is None:
        exact = False
    elif digest is not None:  # perhaps cut
        exact = len(digest) >= _ENOUGH and _digest(text).startswith(digest)
    else:
        # By its form: 2.0.0 generated UUIDs, and added a digest of the request to keys that callers chose.
        request = own_entry(metadata, REQUEST_DIGEST)
        exact = bool(_UUID4.fullmatch(text) or _DIGEST.fullmatch(request or ""))
    return ShownKey(text, digest, exact)


def _digest(key: str) -> str:
    return hashlib.sha256(f"{KEY_DIGEST}\0{key}".encode(errors="replace")).hexdigest()[:32]


_ENOUGH = 16
"""The fewest characters of a digest that identify a key."""
_DIGEST = re.compile(r"[0-9a-f]{32}")
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def may_be_key(shown: str, key: str) -> bool:
    """Whether a text in metadata may be this key: the service may cut, mask, quote, escape or re-encode it."""
    if shown == key:
        return True
    found, wanted = _letters_of_key(shown), _letters_of_key(key)
    if not any(map(any, found)) and any(character.isalpha() for character in shown):
        return letters(key).startswith(letters(shown))  # no Latin letters
    return any(_fits(parts, "".join(whole)) for parts, whole in zip(found, wanted, strict=True))


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
