"""Folders for results, from names of inputs: inside the output folder, valid everywhere, and told apart."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 120
"""Bytes of a component: results have their own names below it."""
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE)


def safe_folder(name: str) -> str:
    """A relative path with `/`, whose components every common file system accepts; never leaves its folder."""
    parts = [_safe_part(part) for part in re.split(r"[/\\]", name) if part.strip(" .")]
    return "/".join(parts) or "track"


def folded(folder: str) -> str:
    """The same for two folders that are one on some file system."""
    return unicodedata.normalize("NFC", folder.casefold())


def numbered(folder: str, number: int) -> str:
    """The folder itself for 1, `folder (2)` for 2."""
    return folder if number == 1 else f"{folder} ({number})"


def _safe_part(part: str) -> str:
    text = unicodedata.normalize("NFC", _FORBIDDEN.sub("_", part)).strip(" .")
    if _RESERVED.fullmatch(text.partition(".")[0].rstrip()):
        text = f"_{text}"
    return text.encode()[:_LONGEST].decode(errors="ignore").rstrip(" .") or "_"
