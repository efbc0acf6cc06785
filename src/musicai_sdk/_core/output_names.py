"""File names from output names: whatever the server says, the file is inside the folder and on every system valid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from musicai_sdk._names import folded, safe_name

PARTIAL = ".part"
"""What the name of a file ends in until it is whole."""

PARTIAL_NOTE = ".part-of"
"""What the name of the note ends in that says which version of which object such a file is part of."""

PARTIAL_NEXT = ".part~"
"""What the name of a copy of such a file ends in while it is made, to go on with."""

_ENDS = ("", PARTIAL, PARTIAL_NOTE, PARTIAL_NEXT)


def file_names(outputs: Mapping[str, str], *, by_output: bool, taken: Iterable[str] = ()) -> dict[str, str]:
    """A file name for every output, from its name and the extension in its URL.

    Args:
        outputs: URLs by output name.
        by_output: Named after the output (`Kick drum.wav`), or as in the URL (`0f3a.wav`).
        taken: Names that are already in use in the folder.

    Names that would be the same file, on a system that ignores case too, are told apart: `a_b.wav`, `a_b (2).wav`.
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
