"""The containers of audio: the chunks of WAV and AIFF files, and the boxes of MP4 files."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

_FIRST = 12
"""The position of the first chunk."""
_MOST = 10_000
"""The most chunks or boxes to read in a file: garbage may have a billion."""


def chunks(file: BinaryIO, order: str, kind: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The chunks of a file, each with its position, name and size. The file is at the chunk's content.

    Args:
        file: The file.
        order: The byte order of its numbers, as in `struct`.
        kind: The beginning of the file's kind. A file of another kind has no chunks here.
    """
    total, at = file.seek(0, os.SEEK_END), _FIRST
    file.seek(8)
    if not file.read(4).startswith(kind):
        return
    for _ in range(_MOST):
        file.seek(at)
        if at + 8 > total:
            return
        name, size = struct.unpack(f"{order}4sI", file.read(8))
        yield at, name, size
        at += 8 + size + size % 2


def boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, bytes, int, int]]:
    """The boxes between two positions, each with its position, name, size of its header, and size.

    The size includes the header. A size of 0 means that the box extends to the end, any other size smaller than the
    header that it isn't a box; both are the last.
    """
    for _ in range(_MOST):
        file.seek(at)
        start = file.read(min(16, max(0, end - at)))
        if len(start) < 8:
            return
        size, header = int.from_bytes(start[:4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(start[8:], "big"), 16
        yield at, start[4:8], header, size
        if size < header:
            return
        at += size
