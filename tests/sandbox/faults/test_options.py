"""Every fault in the table of options is documented and tested, as `musicai_sdk.sandbox.faults` says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from musicai_sdk.sandbox.faults.options import CLOSING, GROUPS, REPLACEMENTS, FaultOptions
from support.docstrings import documented_fields

TESTS = Path(__file__).parents[2]
OPTIONS = set(FaultOptions.__annotations__)
WHEN = {"nth", "times", "probability", "seed", "delay"}
"""The options that select requests, and the delay, which can be combined with any other option."""


def words_of(file: Path) -> Iterator[str]:
    """The keyword arguments and the keys of dictionaries in a file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Dict):
            yield from (
                key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )


def test_every_fault_is_documented_and_tested() -> None:
    assert OPTIONS - documented_fields(FaultOptions) == set(), (
        "put a docstring under these fields of FaultOptions"
    )
    files = [file for file in (TESTS / "sandbox").rglob("test_*.py") if file != Path(__file__)]
    used = {word for file in files for word in words_of(file)}
    assert OPTIONS - used == set(), "no test uses these faults: see tests/sandbox/http/test_middleware.py"


def test_every_fault_is_in_one_group() -> None:
    grouped = [name for group in GROUPS for name in group]
    assert sorted(grouped) == sorted(OPTIONS - WHEN), "every fault is in one group of options.py"
    assert {*REPLACEMENTS, *CLOSING} <= {*grouped}
