"""The data folder of a sandbox: locked while it runs, and removed later if a sandbox with a temporary one was killed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from musicai_sdk._files import patiently
from musicai_sdk.sandbox.private_files import make_private, open_private, private_file, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

_PREFIX = "musicai-sandbox-"
_LOCK = "sandbox.lock"
_OWNER = "sandbox.pid"


class FolderInUseError(OSError):
    """Another sandbox uses the folder."""


def own_folder(data_dir: Path | None, stack: ExitStack) -> Path:
    """Creates or opens the data folder and locks it until `stack` is closed.

    A new folder is for its owner alone. An existing one keeps its permissions; the files written into it are private.

    Args:
        data_dir: The folder; None for a temporary one, which closing `stack` removes.
        stack: Holds what has to be closed at the end.

    Raises:
        FolderInUseError: another sandbox uses it.
        OSError: it can't be created or written to; `filename` is set.
    """
    if data_dir is None:
        _sweep(Path(tempfile.gettempdir()))
        temporary = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        stack.callback(_remove, temporary)
        data_dir = make_private(Path(temporary.name))
    else:
        private_folder(data_dir)
    owner = private_file(data_dir / _OWNER)  # Its error says more than SQLite's.
    try:
        stack.enter_context(closing(_lock(data_dir)))
    except FolderInUseError as error:
        with suppress(OSError):
            error.args = (f"{error} (process {owner.read_text(encoding='utf-8')})",)
        raise
    with open_private(owner, "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    return data_dir


def _remove(temporary: tempfile.TemporaryDirectory[str]) -> None:
    with suppress(OSError):  # What stays open is left to the next sandbox.
        patiently(lambda: shutil.rmtree(temporary.name))
    temporary.cleanup()


def _lock(folder: Path) -> sqlite3.Connection:
    """Locks a folder until the connection is closed or the process ends.

    The lock is an empty SQLite file: SQLite uses the locks of each operating system. Another kind of lock would let
    `_sweep` of another version remove the folder of a running sandbox.
    """
    lock = folder / _LOCK
    if lock.exists():
        with suppress(PermissionError):
            lock.chmod(0o600)
    else:
        private_file(lock)
    # Never opened in another way: closing a file ends all locks that this process has on it.
    database = sqlite3.connect(lock, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        database.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        database.close()
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise OSError(f"the data folder {str(folder)!r} can't be locked: {error}") from None
        raise FolderInUseError(
            f"the data folder {str(folder)!r} is in use by another sandbox: stop that one, or give this one a"
            " folder of its own"
        ) from None
    return database


def _sweep(temporary: Path) -> None:
    """Removes the temporary folders of sandboxes that were killed.

    `_OWNER` is written after the lock. A folder with an empty one may be just about to be locked, and stays.
    """
    for folder in temporary.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if not folder.is_symlink() and _ours(folder) and (folder / _OWNER).stat().st_size:
                _lock(folder).close()
                shutil.rmtree(folder, ignore_errors=True)


def _ours(folder: Path) -> bool:
    """Whether a folder in the shared temporary folder belongs to this user; True where the system can't say."""
    user: Callable[[], int] | None = getattr(os, "getuid", None)
    return user is None or folder.stat().st_uid == user()
