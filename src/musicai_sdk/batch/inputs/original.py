"""The file that a track is uploaded from: where it is by now, and whether it is still what was read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeAlias

from musicai_sdk.batch.inputs.prefetch import digest
from musicai_sdk.batch.ledger.ledger import InputRow
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.errors import InputError

Version: TypeAlias = tuple[int, int]
"""Size and time of change (ns) of a file."""


def original(track: Track, known: Mapping[str, Version]) -> tuple[str, Version | None]:
    """The path of a file whose content is the track's, and its version. Blocks.

    That is the track's own path, unless the file was renamed since: inputs that were met later have the new one.

    Args:
        track: The track.
        known: The paths at which its content was read, with the version that the file had then.

    Raises:
        InputError: what is there has another content by now.
    """
    changed = False
    for path in dict.fromkeys((track.source, *known)):
        found = version(path)
        if found is None:
            continue
        if found != known.get(path):
            given = InputRow(path, track.params, track.folder, size=found[0], mtime_ns=found[1])
            with suppress(OSError):  # then it can't be uploaded either, and that says why
                digest(given)
            if given.content not in (None, track.content):
                changed = True
                continue
        return path, found
    if changed:
        raise changed_since(track.source)
    return track.source, None  # which the upload says more about


def version(path: str) -> Version | None:
    """The version of a file; None if it isn't there."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as the inputs are met
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def changed_since(path: str) -> InputError:
    """The error of a file that isn't the one that was read any more."""
    return InputError(f"{path!r} changed since it was read: process it when it's complete")
