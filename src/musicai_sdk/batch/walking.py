"""The files of a folder that count as inputs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from musicai_sdk.errors import InputError

MEDIA = frozenset(
    [
        ".aac",
        ".ac3",
        ".aif",
        ".aiff",
        ".alac",
        ".amr",
        ".avi",
        ".caf",
        ".flac",
        ".m4a",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpga",
        ".oga",
        ".ogg",
        ".opus",
        ".wav",
        ".wave",
        ".weba",
        ".webm",
        ".wma",
        ".wmv",
    ]
)
"""What is taken from a folder unless a glob says otherwise: a stray cover.jpg would be paid for, and fail."""


def root_of(path: str | os.PathLike[str]) -> str:
    """The absolute path of a folder.

    Raises:
        InputError: it doesn't exist.
    """
    root = str(Path(path).absolute())
    if not os.path.isdir(root):  # noqa: PTH112 - a hundred thousand times
        raise InputError(f"there is no folder {root!r}")
    return root


def walk(root: str, out: Path, glob: str | None, *, recursive: bool) -> Iterator[tuple[str, str]]:
    """The files of a folder in order: the path, and the same relative to the folder with `/`."""
    for parent, folders, names in os.walk(root):
        # Results of earlier runs are no inputs, wherever the output folder is.
        folders[:] = sorted(
            name for name in folders if recursive and name[0] != "." and f"{parent}{os.sep}{name}" != str(out)
        )
        above = parent[len(root) :].replace(os.sep, "/").strip("/")
        for name in sorted(names):
            relative = f"{above}/{name}" if above else name
            if name[0] != "." and wanted(relative, glob):
                yield f"{parent}{os.sep}{name}", relative


def wanted(relative: str, glob: str | None) -> bool:
    """Whether a file counts as an input, by its path in the folder."""
    if glob is None:
        return relative[relative.rfind(".") :].lower() in MEDIA
    return fnmatch(relative if "/" in glob else relative.rpartition("/")[2], glob)
