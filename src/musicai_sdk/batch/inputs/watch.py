"""A watched folder: its files, each as soon as it is complete."""

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

_POLL_EVERY = 1.0
_SHARE = 10
"""The shortest pause between two walks, in multiples of a walk's duration: large folders are read less often."""
_STEP = 0.2
"""The longest sleep, in seconds, until the iterator yields None, so that its reader can stop."""

_Version: TypeAlias = "tuple[int, int, int]"
"""Identifies a version of a file: inode, size, modification time."""


def watched(watch: Watch, out: Path | None) -> Iterator[Input | Rejected | None]:
    """The files of a folder, without end, each when it is complete; None whenever there is nothing new.

    A subfolder that can't be read is rejected once, and read when that becomes possible.

    Raises:
        InputError: the folder doesn't exist or is the output folder, or `settle` is negative.
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
        until = now + max(min(_POLL_EVERY, watch.settle / 2), _STEP, (now - began) * _SHARE)
        while (left := until - time.monotonic()) > 0:
            yield None
            time.sleep(min(_STEP, left))


class Arrivals:
    """Finds the files that became complete since the previous call."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._taken = dict[str, _Version]()
        self._coming = dict[str, tuple[_Version, float]]()
        """Incomplete files, and since when each is unchanged, by the local clock: a file server's clock may differ."""

    def complete(self, paths: dict[str, str]) -> Iterator[str]:
        """The complete files that no earlier call returned in their current version."""
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
    """None while the file is empty: many programs create a file first and write it later."""
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
        """Whether some process has a file open for writing. If so, Windows refuses to open it without write sharing."""
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
        """Whether any process has a file open for writing. False if that is unknown.

        The kernel grants a read lease only while no process can write to the file. The lease is returned at once. This
        works for files of the same user on a local disk; for others, only `settle` counts.
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
            # A process that opens the file at this moment waits until the lease is returned, and the kernel sends us
            # a signal: by default one that ends the process, so choose one that is ignored.
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
        """Whether any process has a file open for writing. This system can't tell cheaply: False."""
        return False
