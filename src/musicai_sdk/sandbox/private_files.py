"""Files and folders that only their owner can read, whatever the umask: they hold keys, and other people's songs."""

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
    """Makes a folder, and those above it that are missing, for its owner alone; one that exists stays as it is."""
    if not folder.exists():
        private_folder(folder.parent)
        folder.mkdir(mode=_FOLDER, exist_ok=True)
        make_private(folder)  # The umask may have taken the owner's rights too.
    elif not folder.is_dir():
        folder.mkdir()  # Raises what there is to say.
    return folder


def make_private(folder: Path) -> Path:
    """Takes the rights of everybody but the owner away from a folder, and gives the owner all."""
    folder.chmod(_FOLDER)
    return folder


def private_file(file: Path) -> Path:
    """Makes an empty file that is for its owner alone; what stands in one that exists stays."""
    os.close(_opened(file, os.O_RDWR | os.O_CREAT))
    return file


def open_private(file: Path, mode: Literal["wb", "w"] = "wb", **options: Any) -> IO[Any]:
    """Opens a file for writing from its beginning, for its owner alone."""
    return open(file, mode, opener=_opened, **options)


def _opened(file: str | Path, flags: int) -> int:
    descriptor = os.open(file, flags | getattr(os, "O_CLOEXEC", 0), _FILE)
    if sys.platform != "win32":  # It has no such rights.
        with suppress(PermissionError):  # It is somebody else's file, who lets us write to it.
            os.fchmod(descriptor, _FILE)
    return descriptor
