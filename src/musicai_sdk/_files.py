"""Writing files safely: beside other programs, over whatever has their name, and so that they survive a power cut.

Temporary files are always created here. An existing file of that name, such as a symbolic link or a named pipe, is
neither written through nor waited for.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TextIO

from musicai_sdk._names import with_ending

_FLAGS = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
"""For every file that is opened here: follow no link, and wait for no pipe."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


_PAUSES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 0.73)
"""Seconds between attempts to change a folder; 2 s in all."""


def none_left(error: BaseException | None) -> bool:
    """Whether an error means that too many files are open. That is temporary: others will be closed soon."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def kind(mode: int) -> str:
    """What a file is, by its mode, for a message."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a regular file")


def replaceable(path: Path) -> Path:
    """Returns the file that a new one may replace; for a symbolic link its target, which need not exist.

    Raises:
        OSError: it isn't a regular file, or can't be examined.
        ValueError: the path contains a null character.
    """
    real = Path(os.path.realpath(path)) if path.is_symlink() else path
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
            raise OSError(number, f"it is {kind(mode)}, not a regular file", str(path))
    return real


def create(path: Path) -> int:
    """Creates and opens a file that didn't exist; its mode is the umask's."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)


def create_anew(path: Path) -> int:
    """Creates and opens a file as `create` does, after removing what has its name. A folder is an error."""
    for _ in range(100):
        with suppress(FileNotFoundError):
            path.unlink()
        with suppress(FileExistsError):
            return create(path)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int | None:
    """Opens a regular file. Returns None if the name is free, or belongs to something else.

    Raises:
        OSError: it can't be opened.
    """
    try:
        # Opening a device may have side effects, so check first. The flags cover a swap between the two calls.
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        descriptor = os.open(path, flags | _FLAGS)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def patiently(change: Callable[[], object]) -> None:
    """Renames or removes files; tries again for 2 s while that is refused.

    Windows refuses it while another program, such as a player or a virus scanner, has the file open. So do its file
    servers, whatever the client's system, and WSL.

    Raises:
        OSError: the change failed.
    """
    for pause in _PAUSES:
        try:
            change()
        except PermissionError:
            time.sleep(pause)
        else:
            return
    change()


def replace(source: Path, target: Path) -> None:
    """Renames a file, atomically, in place of another one; see `patiently`."""
    patiently(lambda: os.replace(source, target))  # noqa: PTH105 - atomic


def unlink(path: Path) -> None:
    """Removes a file if it exists; see `patiently`."""
    patiently(lambda: path.unlink(missing_ok=True))


def close_and_unlink(file: FileIO, path: Path) -> None:
    """Removes the name of an open and locked file, if it still has it, and closes the file."""
    refused = False
    with file:
        try:
            if is_at(file.fileno(), path):
                path.unlink(missing_ok=True)
        except PermissionError:  # Windows removes nothing that is open
            refused = True
        finally:
            unlock(file.fileno())
    if refused:
        unlink(path)


def is_own(descriptor: int) -> bool:
    """Whether an open file belongs to this user and has one name only: then this package created it."""
    found = os.fstat(descriptor)
    user: Callable[[], int] | None = getattr(os, "geteuid", None)
    return found.st_nlink == 1 and (user is None or found.st_uid == user())


def is_at(descriptor: int, path: Path) -> bool:
    """Whether a path still names this open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def keep_mode(descriptor: int, path: Path, *, at_least: int = 0) -> None:
    """Gives an open file the permissions of the one that it will replace, if there is one."""
    with suppress(OSError):  # not every file system has permissions
        mode = stat.S_IMODE(path.stat().st_mode) & 0o777
        if sys.platform != "win32":
            os.fchmod(descriptor, mode | at_least)


@contextmanager
def replacing(
    path: Path, *, errors: str = "strict", follow: bool = True, durable: bool = True
) -> Generator[TextIO]:
    """A text file (UTF-8) that replaces another one at the end of the block, or not at all if the block fails.

    Args:
        path: The file. Its folder must exist; its permissions stay.
        errors: What to do with characters that UTF-8 can't hold, as for `open`.
        follow: Whether a symbolic link is kept and the file that it points at is replaced, instead of the link.
        durable: Whether the file has to survive a power cut.

    Raises:
        OSError: it can't be written, or something else than a file has the name.
    """
    target = replaceable(path) if follow else path
    # Nobody can guess the name, so nobody can have put something there, and no two writers share it.
    part = target.with_name(with_ending(f".{target.name}", f".{os.urandom(8).hex()}~"))
    descriptor = create(part)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=errors, newline="\n") as file:
            yield file
            file.flush()
            keep_mode(descriptor, target)
            if durable:
                fsync(descriptor)
        replace(part, target)
    except BaseException:
        with suppress(OSError):
            unlink(part)
        raise
    if durable:
        sync_folder(target.parent)


def clear_abandoned(path: Path) -> None:
    """Removes the temporary files that killed processes left behind in `replacing`, and ignores errors.

    The caller must be the folder's only writer: another writer's temporary file would be removed too.
    """
    found = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{16}~")
    with suppress(OSError):
        for name in os.listdir(path.parent):  # noqa: PTH208 - names are all that is needed
            if found.fullmatch(name):
                (path.parent / name).unlink(missing_ok=True)


def write_text(path: Path, text: str, *, follow: bool = True, durable: bool = True) -> None:
    """Atomically replaces a file by one with this text; see `replacing`."""
    with replacing(path, follow=follow, durable=durable) as file:
        file.write(text)


def fsync(descriptor: int) -> None:
    """Forces the contents of an open file onto the disk.

    On macOS `os.fsync` leaves them in the drive's cache, so the drive is asked to empty it, as SQLite's `fullfsync` does.

    Raises:
        OSError: the system reports an error, after which nobody knows what is on the disk.
    """
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
        else:
            return
    os.fsync(descriptor)  # all that network file systems have


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut, where the system can do that."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fsync(descriptor)
            finally:
                os.close(descriptor)


_held: dict[tuple[int, int], Callable[[], bool]] = {}
"""The files that this process has locked, by device and inode: the locks of some network file systems do nothing.

The value tells whether the holder was cancelled.
"""
_guard = threading.Lock()


def lock(descriptor: int, given_up: Callable[[], bool] = lambda: False) -> bool:
    """Locks an open file against other processes and other threads; False if one of them has it.

    Where the file system has no locks, only this process is kept out.

    Args:
        descriptor: The open file.
        given_up: Whether the new holder was cancelled, although it hasn't unlocked the file yet. Another one may lock
            the file then; it must replace the file, not write to it.
    """
    key = _key(descriptor)
    with _guard:
        holder = _held.get(key)
        if holder is not None and not holder():
            return False
        _held[key] = given_up
    if holder is not None:
        return True
    taken = False
    try:
        taken = try_lock(descriptor)
    except OSError:
        taken = True  # there are no locks here
    finally:
        if not taken:
            _held.pop(key, None)
    return taken


def unlock(descriptor: int) -> None:
    """Releases the lock. Call it before the file is closed."""
    _unlock(descriptor)
    _held.pop(_key(descriptor), None)


def _key(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def _forget() -> None:
    """Clears the table in a forked child: the entries are about the parent's threads."""
    global _guard  # another thread may have held it at the time of the fork
    _guard = threading.Lock()
    _held.clear()


if sys.platform != "win32" and hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


if sys.platform == "win32":
    import msvcrt

    _BEYOND = 1 << 40
    """Windows lets nobody else read locked bytes, so the locked one is far beyond the end of the file."""

    def try_lock(descriptor: int) -> bool:
        """Locks an open file against other processes; False if one of them has it."""
        return _at_its_end(descriptor, msvcrt.LK_NBLCK)

    def _unlock(descriptor: int) -> None:
        _at_its_end(descriptor, msvcrt.LK_UNLCK)

    def _at_its_end(descriptor: int, operation: int) -> bool:
        here = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _BEYOND, os.SEEK_SET)
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

        The lock ends with the last descriptor of the open file, however its holders end.

        Raises:
            OSError: the file system has no locks.
        """
        try:
            import fcntl
        except ImportError:  # WebAssembly
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Linux sends it over NFS
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        # Not left to close: a forked child may have the file open too.
        with suppress(OSError, ImportError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_UN)
