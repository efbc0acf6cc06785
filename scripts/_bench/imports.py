"""The import of some other package, whose name follows `import` in the case; see `measure` for its arguments."""

from __future__ import annotations

import sys

from measure import Task, measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from measure import Work

CASE = sys.argv[1]


def load(_: Task) -> Work:
    return lambda: __import__(CASE.removeprefix("import "))


if __name__ == "__main__":
    measure({CASE: load})
