"""Peak memory, for tests and for the programs that they start."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest


def peak_memory() -> int:
    """The peak memory of this process in bytes."""
    import re

    # Not getrusage, whose figure includes the parent's memory at the start of this process.
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024


PEAK_MEMORY = f"from pathlib import Path\n\n\n{inspect.getsource(peak_memory)}\n"
"""The function's source, to prepend to a program."""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc (Linux)"
)
