"""File names from output names: always inside the folder, and valid on every system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from musicai_sdk._names import folded, safe_name

PARTIAL = ".part"
"""The ending of an incomplete file's name."""

PARTIAL_NOTE = ".part-of"
"""The ending of the name of the note that records which version of an object an incomplete file belongs to."""

PARTIAL_NEXT = ".part~"
"""The ending of the name of an incomplete file's copy while the copy is being written."""

_ENDS = ("", PARTIAL, PARTIAL_NOTE, PARTIAL_NEXT)


def file_names(outputs: Mapping[str, str], *, by_output: bool, taken: Iterable[str] = ()) -> dict[str, str]:
    """A file name for every output, from its name and the extension in its URL.

    Args:
        outputs: URLs by output name.
        by_output: Whether to name files after outputs (`Kick drum.wav`) or as in the URL (`0f3a.wav`).
        taken: Names that are in use in the folder.

    Names that would be the same file, also on a system that ignores case, get numbers: `a_b.wav`, `a_b (2).wav`.
    """
    used = {folded(f"{name}{end}") for name in taken for end in _ENDS}
    names = dict[str, str]()
    for output, url in outputs.items():
        in_url = PurePosixPath(unquote(urlsplit(url).path)).name
        stem, extension = output, PurePosixPath(in_url).suffix
        if not by_output and in_url:
            stem = PurePosixPath(in_url).stem
        suffix = re.sub(r"[^.0-9A-Za-z]", "", extension)[:16]
        base, number = safe_name(stem), 1
        name = f"{base}{suffix}"
        while not used.isdisjoint({folded(f"{name}{end}") for end in _ENDS}):
            number += 1
            name = f"{base} ({number}){suffix}"
        used.update(folded(f"{name}{end}") for end in _ENDS)
        names[output] = name
    return names
