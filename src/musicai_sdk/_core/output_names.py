"""File names from output names: always inside the folder, and valid on every system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from musicai_sdk._names import folded, safe_name
from musicai_sdk.models.outputs import file_name_in

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
        in_url = file_name_in(url)
        suffix = re.sub(r"[^.0-9A-Za-z]", "", in_url.suffix)[:16]
        base, number = safe_name(output if by_output or not in_url.name else in_url.stem), 1
        name = f"{base}{suffix}"
        while not used.isdisjoint({folded(f"{name}{end}") for end in _ENDS}):
            number += 1
            name = f"{base} ({number}){suffix}"
        used.update(folded(f"{name}{end}") for end in _ENDS)
        names[output] = name
    return names
