"""The content of an input's file: its digest, and the file to upload, which may have been renamed or changed since."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO, TypeAlias

from musicai_sdk._files import reading
from musicai_sdk.batch.inputs.audio_length import audio_length, measure
from musicai_sdk.batch.inputs.kinds import is_object
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.errors import InputError

Version: TypeAlias = tuple[int, int]
"""Size and modification time (ns) of a file."""

_SAMPLE = 4096
"""Bytes at each end of a file that its sample covers."""


def read(item: InputRow) -> None:
    """Fills in everything about an input's content that isn't known: digest, sample, and the length of its audio.

    Raises:
        OSError: the file can't be read.
        InputError: it changed while it was read.
    """
    if item.content is None:
        digest(item)
    elif item.audio_ms is None:
        measure(item)
    sample(item)


def digest(item: InputRow) -> None:
    """Fills in the content of a file, as `sha256:…`, its sample, and the length of its audio, if that can be read.

    Raises:
        OSError: it can't be read.
        InputError: it changed while it was read.
    """
    with reading(item.source) as (file, descriptor):
        item.content = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        item.sample = _sample(file)
        item.audio_ms = audio_length(file) or item.audio_ms
        now = os.fstat(descriptor)
    if (now.st_size, now.st_mtime_ns) != (item.size, item.mtime_ns):
        raise InputError("it changed while it was read: process it when it's complete")


def sample(item: InputRow) -> str:
    """A digest of size, head and tail, or of the URL: equal for equal contents, without reading the whole file.

    Raises:
        OSError: it can't be read.
    """
    if item.sample is None and item.url is not None:
        same = item.content if item.content and is_object(item.source) else item.source
        item.sample = hashlib.sha256(same.encode()).hexdigest()[:16]
    elif item.sample is None:
        with reading(item.source) as (file, _):
            item.sample = _sample(file)
    return item.sample or ""


def _sample(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    hasher = hashlib.sha256(str(size).encode())
    for start in (0, max(0, size - _SAMPLE)):
        file.seek(start)
        hasher.update(file.read(_SAMPLE))
    return hasher.hexdigest()[:16]


def current_file(track: Track, known: Mapping[str, Version]) -> tuple[str, Version | None]:
    """The path of a file with the track's content, and its version. Blocks.

    That is the track's own path, unless the file was renamed: inputs that were read later have the new path.

    Args:
        track: The track.
        known: The paths where its content was read, with the file's version at that time.

    Raises:
        InputError: the file has another content now.
    """
    changed = False
    for path in dict.fromkeys((track.source, *known)):
        found = version(path)
        if found is None:
            continue
        if found != known.get(path):
            item = InputRow(path, track.params, track.folder, size=found[0], mtime_ns=found[1])
            with suppress(OSError):  # then the upload fails too, with a better error
                digest(item)
            if item.content not in (None, track.content):
                changed = True
                continue
        return path, found
    if changed:
        raise changed_error(track.source)
    return track.source, None  # the upload raises the error


def version(path: str) -> Version | None:
    """The version of a file; None if it doesn't exist."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as inputs are read
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def changed_error(path: str) -> InputError:
    """The error of a file that changed since it was read."""
    return InputError(f"{path!r} changed since it was read: process it when it's complete")
