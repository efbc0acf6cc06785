"""Files and folders that only their owner can read, whatever the umask: they hold keys and songs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Literal

_FOLDER = 0o700
_FILE = 0o600


def private_folder(folder: Path) -> Path:
    """Creates a folder and its missing parents for the owner alone; an existing one stays as it is."""
    if not folder.exists():
        private_folder(folder.parent)
        folder.mkdir(mode=_FOLDER, exist_ok=True)
        make_private(folder)  # The umask may have removed the owner's permissions too.
    elif not folder.is_dir():
        folder.mkdir()  # Raises FileExistsError.
    return folder


def make_private(folder: Path) -> Path:
    """Gives all permissions on a folder to its owner, and none to anybody else."""
    folder.chmod(_FOLDER)
    return folder


def private_file(file: Path) -> Path:
    """Creates an empty file for the owner alone; an existing one keeps its contents."""
    os.close(_opened(file, os.O_RDWR | os.O_CREAT))
    return file


def open_private(file: Path, mode: Literal["wb", "w"] = "wb", **options: Any) -> IO[Any]:
    """Opens a file for writing from its beginning, for the owner alone."""
    return open(file, mode, opener=_opened, **options)


def _opened(file: str | Path, flags: int) -> int:
    descriptor = os.open(file, flags | getattr(os, "O_CLOEXEC", 0), _FILE)
    if sys.platform != "win32":  # Windows has no such permissions.
        with suppress(PermissionError):  # Another user owns the file, and lets us write to it.
            os.fchmod(descriptor, _FILE)
    return descriptor
