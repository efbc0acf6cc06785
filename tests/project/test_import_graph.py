"""The modules' imports, those under TYPE_CHECKING included: no circles, and at most eight floors in batch."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

import musicai_sdk

PACKAGE = Path(musicai_sdk.__file__).parent
TOGETHER = ["musicai_sdk.errors", "musicai_sdk.models.job"]
"""A job raises the error that holds the job. At run time only the job imports the error."""

FLOORS = 8
"""The longest chain of imports allowed in batch, counted in modules."""

Graph = Mapping[str, AbstractSet[str]]


def modules() -> dict[str, Path]:
    """Every module of the package by its name; a package by its own."""
    found = dict[str, Path]()
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def graph() -> Graph:
    """The imports between modules of the package, anywhere in a file. `__init__`s only collect names and are left out."""
    known = {name: path for name, path in modules().items() if path.name != "__init__.py"}
    return {name: {each for each in imported(path) if each in known} - {name} for name, path in known.items()}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file may mean: `from a import b` may be the module `a.b`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def circles(edges: Graph) -> list[list[str]]:
    """The groups of modules that import each other, by Tarjan's algorithm."""
    index, low, stack, found = dict[str, int](), dict[str, int](), list[str](), list[list[str]]()

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def longest_chain(edges: Graph) -> list[str]:
    """The longest chain in which each module imports the next; the graph has no circles."""

    @cache
    def chain(node: str) -> list[str]:
        return [node, *max((chain(other) for other in sorted(edges[node])), key=len, default=list[str]())]

    return max((chain(node) for node in sorted(edges)), key=len)


def test_no_modules_import_each_other() -> None:
    assert [circle for circle in circles(graph()) if circle != TOGETHER] == []


def test_circles_are_found() -> None:
    edges: Graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": set()}
    assert circles(edges) == [["b", "c"]]


def test_batch_has_at_most_eight_floors() -> None:
    room = {name: edges for name, edges in graph().items() if name.startswith("musicai_sdk.batch.")}
    chain = longest_chain({name: edges & room.keys() for name, edges in room.items()})
    assert len(chain) <= FLOORS, " imports ".join(chain)


def test_the_longest_chain_is_found() -> None:
    assert longest_chain({"a": {"b", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}) == ["a", "b", "c", "d"]
