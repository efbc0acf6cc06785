"""Locks on files, against other processes and against other threads of this one."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from io import FileIO

from musicai_sdk._files import OPEN_FLAGS, StrPath, unlink


def _never() -> bool:
    return False


class LockableFile(FileIO):
    """An open file that can be locked."""

    given_up: Callable[[], bool] = staticmethod(_never)
    """Returns whether the holder of the lock was cancelled."""

    @cached_property
    def identity(self) -> tuple[int, int]:
        """The device and the inode, which never change."""
        found = os.fstat(self.fileno())
        return found.st_dev, found.st_ino

    def at(self, path: StrPath) -> os.stat_result | None:
        """The status of a path; None if the path no longer names this file."""
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return None
        return found if (found.st_dev, found.st_ino) == self.identity else None


_held = weakref.WeakValueDictionary[tuple[int, int], LockableFile]()
"""The files that this process has locked, by device and inode. Needed because locks have no effect on some network file
systems.

An entry lasts as long as its file is open, as the system's lock does. So an interrupt between the two can't leave an
entry, which would also exclude a later file with the same inode.
"""
_guard = threading.Lock()


def lock(file: LockableFile, given_up: Callable[[], bool] = _never) -> bool:
    """Locks an open file against other processes and other threads. Returns False if one of them holds the lock.

    On a file system without locks, this excludes only other threads of this process.

    Args:
        file: The open file.
        given_up: Returns whether the new holder was cancelled before it unlocked the file. Another holder may then lock
            the file, but must replace it instead of writing to it.
    """
    file.given_up = given_up
    with _guard:
        holder = _held.get(file.identity)
        if holder is not None and holder.closed:
            holder = None
        if holder is not None and not holder.given_up():
            return False
        _held[file.identity] = file
    if holder is not None:
        return True
    taken = False
    try:
        taken = try_lock(file.fileno())
    except OSError:
        taken = True  # the file system has no locks
    finally:
        if not taken:
            _remove(file)
    return taken


def unlock(file: LockableFile) -> None:
    """Releases the lock. Call it before the file is closed."""
    _unlock(file.fileno())
    _remove(file)


def _remove(file: LockableFile) -> None:
    """Removes a file from the table, unless another file has taken its place."""
    with _guard:
        if _held.get(file.identity) is file:
            del _held[file.identity]


def take(path: StrPath) -> LockableFile | None:
    """Creates and locks a file that exists only to be locked; `close_and_unlink` ends that.

    Returns:
        The open file; None if another thread or process holds it.

    Raises:
        OSError: the file can't be opened.
    """
    file = LockableFile(os.open(path, os.O_RDWR | os.O_CREAT | OPEN_FLAGS, 0o600), "r+")
    if lock(file):
        if file.at(path):
            return file
        unlock(file)  # its former holder has just removed it
    file.close()
    return None


def close_and_unlink(file: LockableFile, path: StrPath) -> None:
    """Removes the path of an open and locked file, if the path still names that file, and closes the file."""
    refused = False
    with file:
        try:
            if file.at(path):
                os.unlink(path)
        except FileNotFoundError:
            pass
        except PermissionError:  # Windows doesn't remove an open file
            refused = True
        finally:
            unlock(file)
    if refused:
        unlink(path)


def _forget() -> None:
    """Clears the table in a forked child, because its entries belong to the parent's threads."""
    global _guard  # another thread may have held it at the time of the fork
    _guard = threading.Lock()
    _held.clear()


if sys.platform != "win32" and hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


if sys.platform == "win32":
    import msvcrt

    _OFFSET = 1 << 40
    """On Windows, other processes can't read locked bytes, so the locked byte is far beyond the end of the file."""

    def try_lock(descriptor: int) -> bool:
        """Locks an open file against other processes; False if one of them has it."""
        return _lock_byte(descriptor, msvcrt.LK_NBLCK)

    def _unlock(descriptor: int) -> None:
        _lock_byte(descriptor, msvcrt.LK_UNLCK)

    def _lock_byte(descriptor: int, operation: int) -> bool:
        here = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, operation, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, here, os.SEEK_SET)
        return True

else:

    def try_lock(descriptor: int) -> bool:
        """Locks an open file against other processes; False if one of them has it.

        The system releases the lock when the last descriptor of the open file is closed, even if its process is killed.

        Raises:
            OSError: the file system doesn't support locks.
        """
        try:
            import fcntl
        except ImportError:  # WebAssembly
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # on NFS, Linux asks the server
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        # Closing the file wouldn't be enough: a forked child may have it open too.
        with suppress(OSError, ImportError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_UN)
