"""Folder names made from names of inputs: inside the output folder, valid on every system, and unique."""

from __future__ import annotations

import re

from musicai_sdk._names import folded, safe_name

__all__ = ["folded", "numbered", "safe_folder", "shortened", "with_suffix"]

_LONGEST = 120
"""Bytes of one path component: the names of results come below it."""
_SHORT = 40
"""Bytes of a name whose path would be too long."""
_DIGITS = 12


def safe_folder(name: str) -> str:
    """A relative path with `/` whose components every common file system accepts; never outside its folder."""
    parts = re.split(r"[/\\]", name)
    safe = [safe_name(part, longest=_LONGEST, otherwise="_") for part in parts if part.strip(" .")]
    return "/".join(safe) or "track"


def numbered(folder: str, number: int) -> str:
    """The folder itself for 1, `folder (2)` for 2."""
    return folder if number == 1 else f"{folder} ({number})"


def shortened(folder: str) -> str:
    """The beginning of the folder's last component, to be made unique by `with_suffix`."""
    return safe_name(folder.rpartition("/")[2], longest=_SHORT, otherwise="_")


def with_suffix(folder: str, key: str) -> str:
    """The folder with the first digits of a digest: `folder (0123456789ab)`."""
    return f"{folder} ({key[:_DIGITS]})"
