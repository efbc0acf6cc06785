"""Which process runs a ledger, in a form that other processes can check, also where file locks don't work."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

Liveness: TypeAlias = Literal["alive", "dead", "unknown"]
"""`unknown`: it ran on another machine or in another container, which can't be inspected from here."""

_OPEN = set[str]()
"""The runs that are open in this process."""


def register(run: str) -> str:
    """Registers a run of this process; returns the identity of the process, as JSON."""
    _OPEN.add(run)
    return json.dumps(_identity(), separators=(",", ":"))


def unregister(run: str) -> None:
    """Removes a run of this process that has ended."""
    _OPEN.discard(run)


def describe(process: str) -> str:
    """A process in words."""
    try:
        found = json.loads(process)
        return f"process {found['pid']} on {found['host']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def liveness(run: str, process: str) -> Liveness:
    """Whether the process of a run is still alive.

    Args:
        run: The run's id.
        process: What `register` returned there.
    """
    try:
        found = json.loads(process)
        host, space, pid, start = (found[name] for name in ("host", "space", "pid", "start"))
    except (ValueError, KeyError, TypeError):
        return "unknown"
    own = _identity()
    if host != own["host"]:
        return "unknown"
    boots = str(space).partition("/")[0], str(own["space"]).partition("/")[0]
    if all(boots) and boots[0] != boots[1]:
        return "dead"  # the machine was restarted since
    if space != own["space"]:
        return "unknown"
    if (pid, start) == (own["pid"], own["start"]):
        return "alive" if run in _OPEN else "dead"
    now = _started(pid)
    if now is None:
        return "dead" if not _exists(pid) else "unknown"
    return "alive" if now == start else "dead"


def _identity() -> dict[str, str | int]:
    boot, namespace = "", ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        # Each container numbers its processes itself.
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "space": f"{boot}/{namespace}" if boot else "",
        "pid": pid,
        "start": _started(pid) or "",
    }


def _started(pid: int) -> str | None:
    """When a process started, in the system's own unit; None if that is unknown or there is no such process."""
    with suppress(OSError, IndexError, UnicodeDecodeError):
        # The program's name may contain blanks and brackets.
        found = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
        # A zombie, or a process that is being removed, counts as ended.
        return found[19] if found[0] not in "ZX" else "ended"
    return None


def _exists(pid: int) -> bool:
    if os.name != "posix":
        return True  # sending a signal would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
