"""Processes whose output a test reads while they run."""

from __future__ import annotations

import subprocess
from typing import AnyStr


def rest_of(process: subprocess.Popen[AnyStr]) -> tuple[AnyStr, AnyStr]:
    """The rest of a process's output and errors, up to its end.

    `communicate` would lose what `readline` has read ahead.
    """
    assert process.stdout is not None
    with process:
        errors = process.stderr.read() if process.stderr is not None else process.stdout.read(0)
        return process.stdout.read(), errors
