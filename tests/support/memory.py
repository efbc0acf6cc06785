"""Peak memory, for tests and for the programs that they start."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    import re

    # Not getrusage: its figure starts at what the process that started this one had.
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024


PEAK_MEMORY = f"from pathlib import Path\n\n\n{inspect.getsource(peak_memory)}\n"
"""The function's source, to be put before that of a program."""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc (Linux)"
)
