"""The identity of the process that runs a ledger. Other processes can check it even where file locks don't work."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

Liveness: TypeAlias = Literal["alive", "dead", "unknown"]
"""Whether a process is alive. `unknown`: the process ran on another machine or in another container, which this process
can't inspect."""

_OPEN = set[str]()
"""The runs that are open in this process."""


def register(run: str) -> str:
    """Registers a run of this process. Returns the identity of the process, as JSON."""
    _OPEN.add(run)
    return json.dumps(_identity(), separators=(",", ":"))


def unregister(run: str) -> None:
    """Removes an ended run of this process."""
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
        process: The return value of `register` in that process.
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
        return "dead"  # the machine was restarted since then
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
        # Each container has its own process ids.
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "space": f"{boot}/{namespace}" if boot else "",
        "pid": pid,
        "start": _started(pid) or "",
    }


def _started(pid: int) -> str | None:
    """The start time of a process, in the system's own unit; None if unknown, or if the process doesn't exist."""
    with suppress(OSError, IndexError, UnicodeDecodeError):
        # The program's name may contain spaces and parentheses.
        found = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
        # A zombie, or a process that is being removed, counts as ended.
        return found[19] if found[0] not in "ZX" else "ended"
    return None


def _exists(pid: int) -> bool:
    if os.name != "posix":
        return True  # on Windows, sending a signal would end the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
