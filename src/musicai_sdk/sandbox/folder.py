"""The data folder of a sandbox: locked while it runs, and removed later if a sandbox with a temporary one was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from musicai_sdk._files import lock, patiently, unlock
from musicai_sdk.sandbox.private_files import make_private, open_private, private_file, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

_PREFIX = "musicai-sandbox-"
_LOCK = "sandbox.lock"
_OWNER = "sandbox.pid"


def own_folder(data_dir: Path | None, stack: ExitStack) -> Path:
    """Creates or opens the data folder and locks it until `stack` is closed.

    A new folder is for its owner alone. An existing one keeps its permissions; the files written into it are private.

    Args:
        data_dir: The folder; None for a temporary one, which closing `stack` removes.
        stack: Holds what has to be closed at the end.

    Raises:
        OSError: Another sandbox uses it. Or it can't be created or written to; then `filename` is set.
    """
    if data_dir is None:
        _sweep(Path(tempfile.gettempdir()))
        temporary = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        stack.callback(_remove, temporary)
        data_dir = make_private(Path(temporary.name))
    else:
        private_folder(data_dir)
    owner = private_file(data_dir / _OWNER)
    if (locked := _lock(data_dir)) is None:
        process = ""
        with suppress(OSError):
            process = f" (process {owner.read_text(encoding='utf-8')})"
        raise OSError(
            f"the data folder {str(data_dir)!r} is in use by another sandbox: stop that one, or give this one a folder"
            f" of its own{process}"
        )
    stack.callback(_unlock, locked)
    with open_private(owner, "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    return data_dir


def _remove(temporary: tempfile.TemporaryDirectory[str]) -> None:
    with suppress(OSError):  # What stays open is left to the next sandbox.
        patiently(lambda: shutil.rmtree(temporary.name))
    temporary.cleanup()


def _lock(folder: Path) -> int | None:
    """Locks a folder until `_unlock`, or until the process ends. Returns None if another sandbox has locked it."""
    descriptor = os.open(private_file(folder / _LOCK), os.O_RDWR)
    if lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _unlock(descriptor: int) -> None:
    unlock(descriptor)
    os.close(descriptor)


def _sweep(temporary: Path) -> None:
    """Removes the temporary folders of sandboxes that were killed.

    `_OWNER` is written after the lock. A folder with an empty one may be just about to be locked, and stays.
    """
    for folder in temporary.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            owned = not folder.is_symlink() and _ours(folder) and (folder / _OWNER).stat().st_size
            if owned and (locked := _lock(folder)) is not None:
                _unlock(locked)
                shutil.rmtree(folder, ignore_errors=True)


def _ours(folder: Path) -> bool:
    """Whether a folder in the shared temporary folder belongs to this user; True where the system can't say."""
    user: Callable[[], int] | None = getattr(os, "getuid", None)
    return user is None or folder.stat().st_uid == user()
