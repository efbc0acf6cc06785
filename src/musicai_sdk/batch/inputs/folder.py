"""The files of a folder that count as inputs."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple, TypeAlias

from musicai_sdk._files import none_left
from musicai_sdk.batch.inputs.kinds import Rejected
from musicai_sdk.errors import InputError

_Identity: TypeAlias = "tuple[int, int] | str"
"""Identifies a folder under any name: a link, `..` or different case can't hide it."""

_MEDIA_NAMES = (
    ".aac .ac3 .aif .aiff .alac .amr .avi .caf .flac .m4a .m4v .mka .mkv .mov .mp2 .mp3 .mp4 .mpga .oga .ogg .opus"
    " .wav .wave .weba .webm .wma .wmv"
)
MEDIA = frozenset(_MEDIA_NAMES.split())
"""The extensions of inputs, unless there is a glob: a stray cover.jpg would cost a job that fails."""

_SHORTAGE_TRIES = 60
"""How often to try to list a folder while the process has no file descriptor left."""
_SHORTAGE_PAUSE = 0.5


def root_of(path: str | os.PathLike[str]) -> str:
    """The absolute path of a folder.

    Raises:
        InputError: it doesn't exist.
    """
    root = str(Path(path).absolute())
    if not os.path.isdir(root):  # noqa: PTH112 - a hundred thousand times
        raise InputError(f"there is no folder {root!r}")
    return root


def walk(
    root: str, out: Path | None, glob: str | None, *, recursive: bool
) -> Iterator[tuple[str, str] | Rejected]:
    """The files of a folder in order: the path, and the same path relative to the folder, with `/`.

    Visits each folder once: linked folders last, so that a file with two paths gets the one without a link. Rejects
    unreadable folders, and skips the output folder under any name.

    Raises:
        InputError: the folder is the output folder.
    """
    output, entered = _OutputFolder(out), set[_Identity]()
    folders, links = [(root, "")], deque[tuple[str, str]]()
    while folders or links:
        parent, above = folders.pop() if folders else links.popleft()
        try:
            which = _identity(parent)
            if output.is_at(parent, which):
                if parent == root:
                    raise InputError(
                        f"the results would be in {root!r} among the inputs, and the next run would process them:"
                        " choose another output folder, such as a subfolder"
                    )
                continue
            if which in entered:
                continue
            entered.add(which)
            found = _listing(parent)
        except OSError as error:
            # Ignore a folder that was removed after it was listed.
            if parent == root or not isinstance(error, FileNotFoundError):
                yield Rejected(parent, f"the folder can't be read: {error.strerror}")
            continue
        inside = parent if parent.endswith(os.sep) else parent + os.sep
        for name in sorted(found.files):
            if wanted(above + name, glob):
                yield inside + name, above + name
        for name, reason in sorted(found.unknown):
            if recursive or wanted(above + name, glob):
                yield Rejected(inside + name, f"it can't be read: {reason}")
        if recursive:
            folders += [(inside + name, f"{above}{name}/") for name in sorted(found.folders, reverse=True)]
            links += [(inside + name, f"{above}{name}/") for name in sorted(found.links)]


class _Listing(NamedTuple):
    """The contents of a folder without hidden ones."""

    files: list[str]
    folders: list[str]
    links: list[str]
    """Links to folders."""
    unknown: list[tuple[str, str]]
    """Links that can't be followed, which may lead to folders, and why."""


def _listing(path: str) -> _Listing:
    """Lists a folder, and waits for a while if no file descriptor is left."""
    for _ in range(_SHORTAGE_TRIES):
        try:
            return _list(path)
        except OSError as error:
            if not none_left(error):
                raise
        time.sleep(_SHORTAGE_PAUSE)
    return _list(path)


def _list(path: str) -> _Listing:
    found = _Listing([], [], [], [])
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name[0] == ".":
                continue
            try:
                is_folder = entry.is_dir()
            except OSError as error:
                found.unknown.append((entry.name, str(error.strerror)))
                continue
            if not is_folder:
                found.files.append(entry.name)
            else:
                (found.links if entry.is_symlink() else found.folders).append(entry.name)
    return found


class _OutputFolder:
    """Recognises the output folder during a walk: results of earlier runs aren't inputs."""

    def __init__(self, out: Path | None) -> None:
        self._path = str(out or "")
        self._which: _Identity | None = None
        self._name = ""
        """Its name, to recognise it if the run creates it during the walk."""
        if out is not None:
            self._look()
            self._name = os.path.basename(os.path.realpath(out)).casefold()  # noqa: PTH119

    def is_at(self, folder: str, which: _Identity) -> bool:
        """Whether a folder is the output folder."""
        if self._which is None and self._name and os.path.basename(folder).casefold() == self._name:  # noqa: PTH119
            self._look()
        return which == self._which

    def _look(self) -> None:
        try:
            self._which = _identity(self._path)
        except OSError:
            self._which = None


def _identity(path: str) -> _Identity:
    found = os.stat(path)  # noqa: PTH116 - a hundred thousand times
    # Some file systems have no inodes.
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.normcase(os.path.realpath(path))


def wanted(relative: str, glob: str | None) -> bool:
    """Whether a file counts as an input, by its path relative to the folder."""
    if glob is None:
        return relative[relative.rfind(".") :].lower() in MEDIA
    return fnmatch(relative if "/" in glob else relative.rpartition("/")[2], glob)
