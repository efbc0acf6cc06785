"""The ledger's file and those beside it: their paths, and what tells one file from another."""

from __future__ import annotations

import os
from pathlib import Path


def beside(path: Path, suffix: str) -> Path:
    """The file that belongs to a ledger under this suffix, such as `.lock`."""
    return path.with_name(path.name + suffix)


def real_file(path: Path) -> Path:
    """The ledger behind a symbolic link, so that one file has one lock, one folder of shards and one output folder.

    Links above it stay: on another machine they may lead elsewhere.
    """
    return path.resolve() if path.is_symlink() else path


def file_id(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file, which tell it from another file of the same name. None if there is no file.

    The inode is 0 where the file system has none, or doesn't answer.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def same_path(one: Path, other: Path) -> bool:
    """Whether two paths mean one file or folder, which need not exist."""
    return one.resolve() == other.resolve()


def relative_to_file(path: Path, other: Path) -> str:
    """A path relative to the folder of a file, so that both can be moved together."""
    try:
        return os.path.relpath(other.absolute(), path.absolute().parent)
    except ValueError:  # another drive
        return str(other.absolute())


def resolved_from_file(path: Path, relative: str) -> Path:
    """The path that `relative_to_file` gave the relative form of."""
    return Path(os.path.normpath(path.absolute().parent / relative))


def has_wal(path: Path) -> bool:
    """Whether the file with the ledger's latest changes is there and isn't empty."""
    try:
        return beside(path, "-wal").stat().st_size > 0
    except OSError:
        return False
