"""The ledger's file and the files beside it: their paths, and their identity."""

from __future__ import annotations

import os
from pathlib import Path

LEDGER = ".musicai-batch.sqlite3"
"""The ledger's default name in the output folder. No folder of results can have this name."""


def beside(path: Path, suffix: str) -> Path:
    """The file beside a ledger with this suffix, such as `.lock`."""
    return path.with_name(path.name + suffix)


def in_folder(place: Path) -> Path:
    """The ledger at a place: in the output folder, or else the place itself."""
    return place / LEDGER if place.is_dir() else place


def shard_folder(ledger: Path) -> Path:
    """The folder of a ledger's shards, beside the ledger: every process with access to the ledger can reach it."""
    return beside(ledger, ".shards")


def shard_files(ledger: Path) -> list[Path]:
    """The ledgers of shards, of this run or left over from one that crashed."""
    return sorted(shard_folder(ledger).glob("*.sqlite3"))


def real_file(path: Path) -> Path:
    """The ledger behind a symbolic link, so that one file has one lock, one folder of shards and one output folder.

    Links in the folders above are kept, because they may lead elsewhere on another machine.
    """
    return path.resolve() if path.is_symlink() else path


def file_id(path: Path) -> tuple[int, int] | None:
    """The device and inode of a file, which distinguish it from another file with the same name.

    None if the file doesn't exist. The inode is 0 if the file system has none, or doesn't answer.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def is_still_at(path: Path, known: tuple[int, int] | None) -> bool:
    """Whether a path leads to the file that had this identity. True if files can't be compared, but false without a file."""
    now = file_id(path)
    return now is not None and (now == known or known is None or 0 in (now[1], known[1]))


def same_path(one: Path, other: Path) -> bool:
    """Whether two paths name the same file or folder, which need not exist."""
    return one.resolve() == other.resolve()


def relative_to_file(path: Path, other: Path) -> str:
    """A path relative to a file's folder, so that both can be moved together."""
    try:
        return os.path.relpath(other.absolute(), path.absolute().parent)
    except ValueError:  # on another drive
        return str(other.absolute())


def resolved_from_file(path: Path, relative: str) -> Path:
    """The inverse of `relative_to_file`."""
    return Path(os.path.normpath(path.absolute().parent / relative))


def has_wal(path: Path) -> bool:
    """Whether the WAL, which has the ledger's latest changes, exists and isn't empty."""
    try:
        return beside(path, "-wal").stat().st_size > 0
    except OSError:
        return False
