"""Lets the package take its branches for Windows on Linux: imported by sitecustomize.py if a test asks for it.

Everything else is imported before `sys.platform` changes, and works as on Linux. The functions of Windows that the branches
need are imitated: locks by `msvcrt`, `CreateFileW`, and the names of constants. Their counterparts of Linux are removed.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import importlib
import os
import pkgutil
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import sysconfig
import time
import types
from pathlib import Path
from typing import Any, cast

BEFORE = (
    "click.shell_completion",
    "getpass",
    "rich.progress",
    "rich.live",
    "pydantic.fields",
    "zoneinfo",
    "uvicorn",
)
"""Modules that the package imports late."""
OFD_SETLK = 37
SHARING_VIOLATION = 32


def become_windows() -> None:
    import_the_rest()
    sys.modules["msvcrt"] = msvcrt()
    made = cast("Any", ctypes)
    made.WinDLL = Kernel32
    made.get_last_error = lambda: SHARING_VIOLATION
    cast("Any", asyncio).ProactorEventLoop = asyncio.SelectorEventLoop
    cast("Any", ssl).enum_certificates = no_certificates
    cast("Any", socket).SO_EXCLUSIVEADDRUSE = socket.SO_KEEPALIVE
    cast("Any", signal).SIGBREAK = signal.SIGQUIT
    cast("Any", subprocess).CREATE_NEW_PROCESS_GROUP = 0x200
    begin = subprocess.Popen.__init__

    def begin_without_flags(process: Any, *arguments: Any, creationflags: int = 0, **options: Any) -> None:
        begin(process, *arguments, **options)

    cast("Any", subprocess.Popen).__init__ = begin_without_flags
    for module, names in (
        (
            os,
            ("uname", "fchmod", "fchown", "pread", "pwrite", "get_blocking", "register_at_fork", "pathconf"),
        ),
        (os, ("pathconf_names", "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "sendfile", "killpg", "statvfs")),
        (time, ("clock_gettime", "CLOCK_MONOTONIC")),
    ):
        for name in names:
            delattr(module, name)
    # It selects the function of its library at every call.
    cast("Any", sys.modules["soundfile"])._sys = types.SimpleNamespace(**vars(sys))
    sys.platform = "win32"


def import_the_rest() -> None:
    """Imports the dependencies of the package by importing the package, and then removes the package again."""
    for name in BEFORE:
        importlib.import_module(name)
    sysconfig.get_config_vars()
    package = importlib.import_module("musicai_sdk")
    for module in pkgutil.walk_packages(package.__path__, "musicai_sdk."):
        # A dependency of `mcp` has its own branches for Windows.
        if not module.name.endswith(("__main__", ".dask", ".testing")) and ".mcp" not in module.name:
            importlib.import_module(module.name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "musicai_sdk"]:
        del sys.modules[name]


def msvcrt() -> types.ModuleType:
    """Locks of bytes, which end with the open file as on Windows, but don't prevent reading."""
    module = cast("Any", types.ModuleType("msvcrt"))
    module.LK_UNLCK, module.LK_NBLCK = 0, 2

    def locking(descriptor: int, mode: int, count: int) -> None:
        kind = fcntl.F_UNLCK if mode == module.LK_UNLCK else fcntl.F_WRLCK
        start = os.lseek(descriptor, 0, os.SEEK_CUR)
        fcntl.fcntl(descriptor, OFD_SETLK, struct.pack("hhlli4x", kind, os.SEEK_SET, start, count, 0))

    module.locking = locking
    return cast("types.ModuleType", module)


def no_certificates(_store: str) -> list[object]:
    return []


class Kernel32:
    def __init__(self, name: str, *, use_last_error: bool) -> None:
        self.CreateFileW = create_file
        self.CloseHandle = close_handle


def close_handle(_handle: int) -> int:
    return 1


def create_file(path: Any, *_arguments: object) -> int | None:
    """Opens a file for reading, shared only with readers: refused while any process has it open for writing."""
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if not descriptor.samefile(path.value):
                continue
            flags = re.search(
                r"flags:\s*(\d+)", Path(str(descriptor).replace("/fd/", "/fdinfo/")).read_text("ascii")
            )
        except OSError:
            continue
        if flags is not None and int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY:
            return ctypes.c_void_p(-1).value
    return 1
