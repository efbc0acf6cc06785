"""This package on httpx2, under the name of httpx; see `measure` for its arguments."""

from __future__ import annotations

import httpx2

httpx2.alias_httpx()

from measure import measure  # noqa: E402 - needs the line above
from ours import CASES  # noqa: E402

if __name__ == "__main__":
    measure(CASES)
