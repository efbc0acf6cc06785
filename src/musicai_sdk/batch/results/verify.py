"""Results on a local disk: what makes them safe, so that the job may be deleted."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import BufferedRandom, BufferedReader
from pathlib import Path

from musicai_sdk._files import fsync, sync_folder
from musicai_sdk.batch.results.output import MANIFEST, OutputRecord
from musicai_sdk.errors import IntegrityError
from musicai_sdk.models import JobFiles

SYNC_NEEDS_WRITING = sys.platform == "win32"
"""Whether only a file that is open for writing can be forced onto the disk."""


def downloaded(files: JobFiles, out: Path) -> list[OutputRecord]:
    """The files of a download, with their sizes."""
    manifest = files.manifest
    found = [(name, file.path, file.size) for name, file in files.files.items()]
    found.append((MANIFEST, manifest, manifest.stat().st_size))
    return [OutputRecord(name, path.relative_to(out).as_posix(), size, None) for name, path, size in found]


def verified(outputs: Sequence[OutputRecord], out: Path) -> list[OutputRecord]:
    """The outputs with their digests, read back from the disk and forced onto it.

    Raises:
        IntegrityError: a file is missing, empty, or differs from what was recorded.
    """
    checked = list[OutputRecord]()
    for output in outputs:
        path = out / output.path
        found = _digest(path)
        if (
            found is None
            or found[0] != output.size
            or (output.sha256 is not None and found[1] != output.sha256)
        ):
            raise IntegrityError(
                f"{str(path)!r} is {'missing' if found is None else 'not what was downloaded'}"
            )
        if not output.size:
            # An answer without a body isn't a result, and the job that could give one would be deleted next.
            raise IntegrityError(f"{str(path)!r} is empty")
        checked.append(replace(output, sha256=found[1]))
    for folder in {parent for each in outputs for parent in _folders_up_to(out, out / each.path)}:
        sync_folder(folder)
    return checked


def _digest(path: Path) -> tuple[int, str] | None:
    try:
        file, can_sync = _opened(path)
    except FileNotFoundError:
        return None
    with file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if can_sync:
            # The service's copy is deleted next: this one must survive a power cut.
            fsync(file.fileno())
        return file.tell(), digest


def _opened(path: Path) -> tuple[BufferedReader | BufferedRandom, bool]:
    """A file opened for reading, and whether it can be forced onto the disk."""
    if SYNC_NEEDS_WRITING:
        try:
            return path.open("r+b"), True
        except PermissionError:
            return path.open("rb"), False
    return path.open("rb"), True


def _folders_up_to(out: Path, path: Path) -> list[Path]:
    """The folders of a file, up to and including the output folder: each may be new."""
    folders = list(path.parents)
    return folders[: folders.index(out) + 1]
