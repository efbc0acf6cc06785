"""Turns names from elsewhere into file names: one path component, valid on every system."""

from __future__ import annotations

import os
import re
import unicodedata

LONGEST_NAME = 180
"""Maximum length in bytes. File systems allow 255, and the suffix of a partial download has to fit."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE)


def safe_name(name: str, *, longest: int = LONGEST_NAME, otherwise: str = "output") -> str:
    """One path component that every common file system accepts: never empty, hidden, reserved or too long.

    Args:
        name: Any text.
        longest: Bytes (UTF-8) at most.
        otherwise: The name to use if nothing is left.
    """
    text = unicodedata.normalize("NFC", _FORBIDDEN.sub("_", name)).strip(" .")
    if _RESERVED.fullmatch(text.partition(".")[0].rstrip()):
        text = f"_{text}"
    return text.encode()[:longest].decode(errors="ignore").rstrip(" .") or otherwise


def with_ending(name: str, ending: str, *, longest: int = 255) -> str:
    """A file name with an ending. Where that is too long, the name is cut, and its digest keeps it unique.

    Args:
        name: A valid file name.
        ending: ASCII.
        longest: Bytes at most. Common file systems allow 255.
    """
    if len(os.fsencode(name)) + len(ending) <= longest:
        return f"{name}{ending}"
    import hashlib  # here: few names are that long

    ending = f"~{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}{ending}"
    while len(os.fsencode(name)) + len(ending) > longest:
        name = name[:-1]  # by characters: some file systems refuse halves of them
    return f"{name}{ending}"


def folded(name: str) -> str:
    """A key that is equal for names that some file system treats as the same."""
    return unicodedata.normalize("NFC", name.casefold())


def encodable(path: str) -> str:
    """The path as the file system's encoding can express it: its UTF-8 bytes where a `C` locale's ASCII can't.

    Raises:
        UnicodeEncodeError: UTF-8 can't express it either.
    """
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return os.fsdecode(path.encode("utf-8", "surrogateescape"))
    return path
