"""Restricts Python to the features of Windows. It is on PYTHONPATH, so it applies to every started process.

It removes modules, signals and functions, and refuses the operations that Windows refuses: renaming and removing files
that any process has open, and opening folders. `sys.platform` is unchanged, unless HOSTILE_SYSTEM is win32.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, cast

from pretended_windows import become_windows  # beside this file
from typing_extensions import override

ABSENT = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"})


class Refusal(MetaPathFinder):
    """Finds none of the modules that only POSIX has."""

    @override
    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> None:
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Refusal())
for name in ABSENT:
    sys.modules.pop(name, None)

os_module = cast("Any", os)
for name in ("getuid", "geteuid", "getgid", "getegid", "getgroups", "getlogin", "fork", "forkpty", "mkfifo"):
    delattr(os_module, name)

KILL = int(signal.SIGKILL)
for name in ("SIGHUP", "SIGKILL"):
    delattr(signal, name)


def kill(process: subprocess.Popen[Any]) -> None:
    process.send_signal(KILL)


cast("Any", subprocess.Popen).kill = kill


def refused(*_arguments: object) -> None:
    raise NotImplementedError


cast("Any", asyncio.SelectorEventLoop).add_signal_handler = refused
cast("Any", asyncio.SelectorEventLoop).remove_signal_handler = refused


def open_files() -> Iterator[tuple[int, int]]:
    """Device and inode of every regular file that any process has open."""
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            found = descriptor.stat()
            if stat.S_ISREG(found.st_mode):
                yield found.st_dev, found.st_ino


def check_closed(*paths: Any, folder: int | None = None) -> None:
    """Raises the error of Windows if one of the files is open."""
    concerned = set[tuple[int, int]]()
    for path in paths:
        try:
            found = os.stat(path, dir_fd=folder, follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):
            concerned.add((found.st_dev, found.st_ino))
        elif stat.S_ISDIR(found.st_mode):
            files = [each.stat() for each in Path(os.fsdecode(path)).rglob("*") if each.is_file()]
            concerned |= {(each.st_dev, each.st_ino) for each in files}
    if concerned and not concerned.isdisjoint(open_files()):
        raise PermissionError(errno.EACCES, "The process cannot access the file", str(paths[0]))


def guarded(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        check_closed(*arguments[:count], folder=options.get("dir_fd"))
        return function(*arguments, **options)

    return call


for name, count in (("replace", 2), ("rename", 2), ("remove", 1), ("unlink", 1)):
    setattr(os, name, guarded(getattr(os, name), count))

open_file = os.open


def open_no_folder(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    if Path(os.fsdecode(path)).is_dir():
        raise PermissionError(errno.EACCES, "Permission denied", path)
    return open_file(path, flags, mode, dir_fd=dir_fd)


os.open = open_no_folder
cast("Any", tempfile).TemporaryFile = tempfile.NamedTemporaryFile  # as on Windows
cast("Any", shutil)._use_fd_functions = False  # it would open folders, which fails on Windows

# Files in the system's encoding, which is cp1252 there, whatever their content.
warnings.filterwarnings("error", category=EncodingWarning, module=r"musicai_sdk(\.|$)")

if os.environ.get("HOSTILE_SYSTEM") == "win32":
    become_windows()
