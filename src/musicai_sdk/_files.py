"""Writing files safely: while other programs run, over existing files of any kind, and durably across a power cut.

Temporary files are always newly created. This module never writes through an existing symbolic link, and never waits
for a named pipe.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from io import BufferedReader, BytesIO, FileIO
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from musicai_sdk._names import with_ending

StrPath: TypeAlias = str | os.PathLike[str]

OPEN_FLAGS = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
"""Flags for opening files: don't follow links, and don't wait for pipes."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

SMALL = 64 * 1024
"""The most bytes of a file that `reading` keeps in memory."""

_PAUSES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 0.73)
"""Seconds between attempts to change a folder; 2 s in total."""


def none_left(error: BaseException | None) -> bool:
    """Whether an error means that too many files are open. That is temporary: others will be closed soon."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def kind(mode: int) -> str:
    """The kind of a file with this mode, in words, for a message."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a regular file")


def replaceable(path: Path) -> tuple[Path, int | None]:
    """The file that a new one may replace, and its permissions; None if it doesn't exist.

    That is the path itself, or the target of a symbolic link.

    Raises:
        OSError: the file isn't a regular file, or can't be examined.
        ValueError: the path contains a null character.
    """
    real = path
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            real = Path(os.path.realpath(path))
            mode = os.stat(path).st_mode
    except FileNotFoundError:
        return real, None
    if not stat.S_ISREG(mode):
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(number, f"it is {kind(mode)}, not a regular file", str(path))
    return real, _permissions(mode)


def user_folder(purpose: Literal["config", "state"]) -> Path:
    """The folder for this package's configuration or state in the user's home folder. It need not exist.

    Raises:
        RuntimeError: the user has no home folder.
    """
    roaming = purpose == "config"
    if sys.platform == "win32":
        variable, usual = ("APPDATA", "AppData/Roaming") if roaming else ("LOCALAPPDATA", "AppData/Local")
    elif sys.platform == "darwin":
        variable, usual = "", "Library/Application Support"
    else:
        variable, usual = ("XDG_CONFIG_HOME", ".config") if roaming else ("XDG_STATE_HOME", ".local/state")
    base = Path(os.environ.get(variable, ""))
    return (base if base.is_absolute() else Path.home() / usual) / "musicai"


def create(path: StrPath, mode: int = 0o666) -> int:
    """Creates and opens a new file, with the permissions of `mode` that the umask leaves."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPEN_FLAGS, mode)


def create_anew(path: StrPath) -> int:
    """Creates and opens a file as `create` does. First removes an existing file of any kind; a folder is an error."""
    for _ in range(100):
        with suppress(FileNotFoundError):
            os.unlink(path)
        with suppress(FileExistsError):
            return create(path)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path))


def open_regular(path: StrPath, flags: int = os.O_RDONLY) -> int | None:
    """Opens a regular file. Returns None if the path doesn't exist or isn't a regular file.

    Raises:
        OSError: the file can't be opened.
    """
    try:
        # Opening a device may have side effects, so check first. The flags protect against a replacement between the
        # two calls.
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        descriptor = os.open(path, flags | OPEN_FLAGS)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def patiently(change: Callable[[], object]) -> None:
    """Renames or removes files; retries for 2 s while the system refuses.

    Windows refuses a change while another program, such as a player or a virus scanner, has the file open. So do WSL,
    and Windows file servers for clients of any system.

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


def replace(source: StrPath, target: StrPath) -> None:
    """Renames a file, atomically, in place of another one; see `patiently`."""
    patiently(lambda: os.replace(source, target))


def unlink(path: StrPath) -> None:
    """Removes a file if it exists; see `patiently`."""
    with suppress(FileNotFoundError):
        patiently(lambda: os.unlink(path))


def is_own(descriptor: int) -> bool:
    """Whether an open file belongs to this user and has only one name. Such a file was created by this package."""
    found = os.fstat(descriptor)
    user: Callable[[], int] | None = getattr(os, "geteuid", None)
    return found.st_nlink == 1 and (user is None or found.st_uid == user())


def permissions(path: StrPath) -> int | None:
    """The permissions of a file, following links; None if it doesn't exist or can't be examined."""
    try:
        return _permissions(os.stat(path).st_mode)
    except OSError:
        return None


def _permissions(mode: int) -> int:
    return stat.S_IMODE(mode) & 0o777


def set_permissions(descriptor: int, mode: int | None) -> None:
    """Gives an open file the permissions of the file that it will replace; None if that doesn't exist."""
    if mode is not None and sys.platform != "win32":
        with suppress(OSError):  # not every file system has permissions
            os.fchmod(descriptor, mode)


@contextmanager
def reading(path: StrPath, flags: int = os.O_RDONLY) -> Generator[tuple[BytesIO | BufferedReader, int]]:
    """Opens a file. Yields it and its descriptor.

    A small file is read at once and yielded as `BytesIO`, so that seeking and reading cost no further system calls.
    """
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    try:
        head = b""
        while len(head) < SMALL and (chunk := os.read(descriptor, SMALL - len(head))):
            head += chunk
        if len(head) < SMALL:
            yield BytesIO(head), descriptor
        else:
            os.lseek(descriptor, 0, os.SEEK_SET)
            yield BufferedReader(FileIO(descriptor, closefd=False)), descriptor
    finally:
        os.close(descriptor)


@contextmanager
def replacing(
    path: Path, *, errors: str = "strict", follow: bool = True, durable: bool = True, private: bool = False
) -> Generator[TextIO]:
    """Opens a text file (UTF-8) that replaces `path` at the end of the block. If the block fails, `path` is unchanged.

    Args:
        path: The file to replace. Its folder must exist. Its permissions are kept.
        errors: The handling of characters that UTF-8 can't encode, as for `open`.
        follow: Whether to replace the target of a symbolic link instead of the link itself.
        durable: Whether the file must survive a power cut.
        private: Whether only the owner may access the file, whatever the permissions of the replaced one.

    Raises:
        OSError: the file can't be written, or `path` isn't a regular file.
    """
    with (
        _replacing(path, follow=follow, durable=durable, private=private) as descriptor,
        os.fdopen(descriptor, "w", encoding="utf-8", errors=errors, newline="\n", closefd=False) as file,
    ):
        yield file


@contextmanager
def _replacing(path: Path, *, follow: bool, durable: bool, private: bool) -> Generator[int]:
    target, mode = replaceable(path) if follow else (path, permissions(path))
    folder, name = os.path.split(target)
    # A random name: no other program can have created something there, and no two writers share it.
    part = os.path.join(folder, with_ending(f".{name}", f".{os.urandom(8).hex()}~"))
    descriptor = create(part, 0o600 if private else 0o666)
    try:
        try:
            yield descriptor
            if not private:
                set_permissions(descriptor, mode)
            if durable:
                fsync(descriptor)
        finally:
            os.close(descriptor)
        replace(part, target)
    except BaseException:
        with suppress(OSError):
            unlink(part)
        raise
    if durable:
        sync_folder(folder or os.curdir)


def clear_abandoned(path: Path) -> None:
    """Removes temporary files of `replacing` that killed processes left behind. Ignores errors.

    The caller must be the folder's only writer, because this also removes another writer's temporary file.
    """
    found = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{16}~")
    with suppress(OSError):
        for name in os.listdir(path.parent):
            if found.fullmatch(name):
                (path.parent / name).unlink(missing_ok=True)


def write_text(
    path: Path, text: str, *, follow: bool = True, durable: bool = True, private: bool = False
) -> None:
    """Atomically replaces a file's contents by this text; see `replacing`."""
    data = memoryview(text.encode())
    with _replacing(path, follow=follow, durable=durable, private=private) as descriptor:
        while data:
            data = data[os.write(descriptor, data) :]


def fsync(descriptor: int) -> None:
    """Forces the contents of an open file onto the disk.

    On macOS, `os.fsync` leaves them in the drive's cache, so this also flushes that cache, as SQLite's `fullfsync`
    does.

    Raises:
        OSError: the system reports an error. The contents of the disk are then unknown.
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
    os.fsync(descriptor)  # network file systems have only this


def sync_folder(folder: StrPath) -> None:
    """Makes the names in a folder survive a power cut, if the system supports that."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fsync(descriptor)
            finally:
                os.close(descriptor)
