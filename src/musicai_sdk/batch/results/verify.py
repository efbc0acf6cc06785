"""Results on this machine's disk: what makes them safe, so that the job may be deleted."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from io import BufferedRandom, BufferedReader
from pathlib import Path

from musicai_sdk._files import fsync, sync_folder
from musicai_sdk.errors import IntegrityError
from musicai_sdk.models import JobFiles

MANIFEST = ""
"""The output name under which the JSON file with the whole result is kept."""

SYNC_NEEDS_WRITING = sys.platform == "win32"
"""Whether only a file that is open to write can be forced onto the disk."""

Output = tuple[str, str, int, str | None]
"""Name, path below the output folder, size in bytes, sha256."""


def downloaded(files: JobFiles, out: Path) -> list[Output]:
    """What a download has left, with the sizes that arrived."""
    found = [
        (name, file.path.relative_to(out).as_posix(), file.size, None) for name, file in files.files.items()
    ]
    manifest = files.manifest
    return [*found, (MANIFEST, manifest.relative_to(out).as_posix(), manifest.stat().st_size, None)]


def verified(outputs: Sequence[Output], out: Path) -> list[Output]:
    """The outputs with their digests, read back from the disk and forced onto it.

    Raises:
        IntegrityError: a file is missing, empty, or isn't what was recorded.
    """
    checked = list[Output]()
    for name, path, size, known in outputs:
        found = _digest(out / path)
        if found is None or found[0] != size or (known is not None and found[1] != known):
            raise IntegrityError(
                f"{str(out / path)!r} is {'missing' if found is None else 'not what was downloaded'}"
            )
        if not found[0]:
            # An answer without a body isn't a result, and the job that could give one is deleted after this.
            raise IntegrityError(f"{str(out / path)!r} is empty")
        checked.append((name, path, *found))
    for folder in {parent for _, path, *_ in outputs for parent in _up_to(out, out / path)}:
        sync_folder(folder)
    return checked


def _digest(path: Path) -> tuple[int, str] | None:
    try:
        file, lasting = _opened(path)
    except FileNotFoundError:
        return None
    with file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if lasting:
            # The copy at the service is deleted after this: a power cut mustn't take this one.
            fsync(file.fileno())
        return file.tell(), digest


def _opened(path: Path) -> tuple[BufferedReader | BufferedRandom, bool]:
    """A file to read, and whether it can be forced onto the disk."""
    if SYNC_NEEDS_WRITING:
        try:
            return path.open("r+b"), True
        except PermissionError:
            return path.open("rb"), False
    return path.open("rb"), True


def _up_to(out: Path, path: Path) -> list[Path]:
    """The folders that a file is in, the output folder included: each may be new."""
    folders = list(path.parents)
    return folders[: folders.index(out) + 1]
