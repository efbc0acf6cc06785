"""A folder that is watched: its files one by one, each as soon as it is complete."""

from __future__ import annotations

import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from musicai_sdk.batch.inputs.folder import root_of, walk
from musicai_sdk.batch.inputs.kinds import Input, Rejected, Watch, stem
from musicai_sdk.errors import InputError

_LOOK_EVERY = 1.0
_SHARE = 10
"""A look that takes long, because there are very many files, comes less often: it takes a tenth of the time."""
_BREATH = 0.2
"""How long the iterator sleeps at most before it says that nothing has come, so that whoever reads it can end."""

_Version: TypeAlias = "tuple[int, int, int]"
"""What tells one content of a path from the next: inode, size, time of change."""


def watched(watch: Watch, out: Path | None) -> Iterator[Input | Rejected | None]:
    """The files of a folder without end, each when it is complete; None whenever there is nothing new.

    A folder in it that can't be read is rejected once, and taken when it can be read.

    Raises:
        InputError: the folder doesn't exist, results go to it, or `settle` can't be right.
    """
    if watch.settle < 0:
        raise InputError(f"settle must be 0 or more seconds, not {watch.settle!r}")
    root = root_of(watch.path)
    arrivals = Arrivals(watch.settle)
    unreadable = dict[str, Rejected]()
    while True:
        began = time.monotonic()
        present, before, unreadable = dict[str, str](), unreadable, dict[str, Rejected]()
        for found in walk(root, out, watch.glob, recursive=watch.recursive):
            if isinstance(found, Rejected):
                unreadable[found.source] = found
            else:
                present[found[0]] = found[1]
        yield from (rejected for path, rejected in unreadable.items() if path not in before)
        for path in arrivals.complete(present):
            yield Input(path, {}, stem(present[path]))
        now = time.monotonic()
        until = now + max(min(_LOOK_EVERY, watch.settle / 2), _BREATH, (now - began) * _SHARE)
        while (left := until - time.monotonic()) > 0:
            yield None
            time.sleep(min(_BREATH, left))


class Arrivals:
    """Which files of a folder have become complete since the last look."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._taken = dict[str, _Version]()
        self._coming = dict[str, tuple[_Version, float]]()
        """Files that aren't complete yet, and since when they are as they are, on our clock: a file server's
        may be another one."""

    def complete(self, paths: dict[str, str]) -> Iterator[str]:
        """The paths, of all that are there now, that haven't been given as they are now, and are complete."""
        now = time.monotonic()
        for gone in self._taken.keys() - paths.keys():
            del self._taken[gone]
        for gone in self._coming.keys() - paths.keys():
            del self._coming[gone]
        for path in paths:
            version = _version(path)
            if version is None or self._taken.get(path) == version:
                continue
            before, since = self._coming.get(path, (version, now))
            if before != version:
                since = now
            if now - since < self._settle or open_for_writing(path):
                self._coming[path] = (version, since)
                continue
            self._coming.pop(path, None)
            self._taken[path] = version
            yield path


def _version(path: str) -> _Version | None:
    """None while there is no content: many programs make the file first and write it later."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a hundred thousand times
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode) or not found.st_size:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


if sys.platform == "win32":
    import ctypes

    _GENERIC_READ, _FILE_SHARE_READ, _OPEN_EXISTING = 0x80000000, 0x1, 3
    _ERROR_SHARING_VIOLATION = 32
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.CreateFileW.restype = ctypes.c_void_p
    _kernel32.CloseHandle.argtypes = (ctypes.c_void_p,)

    def open_for_writing(path: str) -> bool:
        """Whether some process has a file open to write: then Windows refuses to share it with readers alone."""
        handle = _kernel32.CreateFileW(
            ctypes.c_wchar_p(path),
            ctypes.c_uint32(_GENERIC_READ),
            ctypes.c_uint32(_FILE_SHARE_READ),
            None,
            ctypes.c_uint32(_OPEN_EXISTING),
            ctypes.c_uint32(0),
            None,
        )
        if handle != ctypes.c_void_p(-1).value:  # INVALID_HANDLE_VALUE
            _kernel32.CloseHandle(handle)
            return False
        return ctypes.get_last_error() == _ERROR_SHARING_VIOLATION

elif sys.platform == "linux":

    def open_for_writing(path: str) -> bool:
        """Whether some process, of whatever user, has a file open to write. False where that can't be told.

        The kernel grants a read lease on a file only while nobody can write to it; we give it back at once.
        That needs a file of our own user on a local disk: else the file's rest is all there is to go by.
        """
        try:
            import fcntl
        except ImportError:
            return False
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            # Who opens the file in this very moment is held up until we have let go, and we are sent a
            # signal: by default one that ends the process, so one that does nothing.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

else:

    def open_for_writing(path: str) -> bool:  # noqa: ARG001
        """Whether some process has a file open to write. This system doesn't tell cheaply: False."""
        return False
