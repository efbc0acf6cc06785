"""Every fault that the table of options has is documented and tested, as `musicai_sdk.sandbox.faults` promises."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from musicai_sdk.sandbox.faults.options import FaultOptions

TESTS = Path(__file__).parents[2]


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
    (tree,) = ast.parse(inspect.getsource(FaultOptions)).body
    assert isinstance(tree, ast.ClassDef)
    documented = {
        statement.target.id
        for statement, following in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(following, ast.Expr)
    }
    names = set(FaultOptions.__annotations__)
    assert documented == names
    files = [file for file in (TESTS / "sandbox").rglob("test_*.py") if file != Path(__file__)]
    used = {word for file in files for word in words_of(file)}
    assert names - used == set()
