"""Which process runs a ledger, in a form that another process can check, also where locks lock nothing."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

Liveness: TypeAlias = Literal["alive", "dead", "unknown"]
"""`unknown`: it ran on another machine or in another container, where nobody can look from here."""

_OPEN = set[str]()
"""The runs that this process has open."""


def opened(run: str) -> str:
    """Notes that this process has a run open; returns what tells the process from all others."""
    _OPEN.add(run)
    return json.dumps(_identity(), separators=(",", ":"))


def closed(run: str) -> None:
    """Notes that a run of this process is over."""
    _OPEN.discard(run)


def described(process: str) -> str:
    """A process for a person."""
    try:
        found = json.loads(process)
        return f"process {found['pid']} on {found['host']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def liveness(run: str, process: str) -> Liveness:
    """Whether the process of a run is still there.

    Args:
        run: The run's id.
        process: What `opened` returned there.
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
        return "dead"  # the machine was started again since
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
        # Containers count their processes on their own.
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "space": f"{boot}/{namespace}" if boot else "",
        "pid": pid,
        "start": _started(pid) or "",
    }


def _started(pid: int) -> str | None:
    """When a process was started, in the system's own counting; None if that can't be known, or it isn't there."""
    with suppress(OSError, IndexError, UnicodeDecodeError):
        # The name of the program may have blanks and brackets in it.
        found = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
        # One that has ended, and whose parent hasn't asked for its exit code yet, has no start of its own any more.
        return found[19] if found[0] not in "ZX" else "ended"
    return None


def _exists(pid: int) -> bool:
    if os.name != "posix":
        return True  # a signal would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
