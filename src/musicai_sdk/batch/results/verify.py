"""Results on a local disk: what makes them safe, so that the job may be deleted."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from musicai_sdk._files import clear_abandoned, fsync, reading, sync_folder
from musicai_sdk.batch.results.output import MANIFEST, UNNAMED, OutputRecord
from musicai_sdk.errors import IntegrityError
from musicai_sdk.models import JobFiles

SYNC_NEEDS_WRITING = sys.platform == "win32"
"""Whether only a file that is open for writing can be forced onto the disk."""


def downloaded(files: JobFiles, out: Path, *, is_new: bool) -> list[OutputRecord]:
    """The outputs of a download with their digests, read back from the disk. Blocks.

    Args:
        files: The download, which has forced the files and their names onto the disk.
        out: The output folder.
        is_new: Whether the download has created the folder of the files.

    Raises:
        IntegrityError: as `verified`.
    """
    if not is_new:
        # The folder belongs to this track alone, and a killed run may have left partial files.
        clear_abandoned(files.manifest)
    folder = files.folder.relative_to(out).as_posix()
    found = [(name or UNNAMED, file.path.name, file.size) for name, file in files.files.items()]
    found.append((MANIFEST, files.manifest.name, os.stat(files.manifest).st_size))
    outputs = [OutputRecord(name, f"{folder}/{path}", size, None) for name, path, size in found]
    checked = [_checked(each, out, sync=False) for each in outputs]
    # A new folder has no links to other folders, so the download has forced all its names onto the disk.
    _sync_folders(out, {*_folders_above(folder), *([] if is_new else [folder])})
    return checked


def verified(outputs: Sequence[OutputRecord], out: Path) -> list[OutputRecord]:
    """The outputs with their digests, read back from the disk and forced onto it. Blocks.

    Raises:
        IntegrityError: a file is missing, empty, or differs from what was recorded.
    """
    checked = [_checked(each, out, sync=True) for each in outputs]
    _sync_folders(out, {above for each in outputs for above in _folders_above(each.path)})
    return checked


def _checked(output: OutputRecord, out: Path, *, sync: bool) -> OutputRecord:
    path = os.path.join(out, *output.path.split("/"))
    found = _digest(path, sync=sync)
    if found is None or found[0] != output.size or output.sha256 not in (None, found[1]):
        raise IntegrityError(f"{path!r} is {'missing' if found is None else 'not what was downloaded'}")
    if not output.size:
        # An answer without a body isn't a result, and the job that could give one would be deleted next.
        raise IntegrityError(f"{path!r} is empty")
    return replace(output, sha256=found[1])


def _digest(path: str, *, sync: bool) -> tuple[int, str] | None:
    writable = sync and SYNC_NEEDS_WRITING
    try:
        with reading(path, os.O_RDWR if writable else os.O_RDONLY) as (file, descriptor):
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if sync:
                # The service's copy is deleted next: this one must survive a power cut.
                fsync(descriptor)
            return file.seek(0, os.SEEK_END), digest
    except FileNotFoundError:
        return None
    except PermissionError:
        if writable:
            return _digest(path, sync=False)
        raise


def _folders_above(path: str) -> Iterator[str]:
    """The folders above a relative path, up to and including the output folder: each may be new."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _sync_folders(out: Path, folders: set[str]) -> None:
    for folder in folders:
        sync_folder(os.path.join(out, *folder.split("/")))
