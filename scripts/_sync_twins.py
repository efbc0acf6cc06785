"""The synchronous versions of the asynchronous classes, as text.

The logic is written once, as coroutines. A synchronous version calls `run_sync(coroutine)` where the source has
`await coroutine`, and renames classes and special methods.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

RENAMED = {
    r"    from musicai_sdk\.resources\._sync\.client import .*\n": "",
    r"(?s)# Only here:\n.*# In both:\n": "",
    r"musicai_sdk\._io\.asynchronous import AsyncIO.*": "musicai_sdk._io import BlockingIO",
    r"\bAsyncIO\b": "BlockingIO",
    r"\basynchronous client\b": "synchronous client",
    r"It belongs to the event loop that uses it first\.": (
        "Threads can share it, and a forked child\n    process gets connections of its own."
    ),
    r"\bAsync(?=[A-Z])": "",
    r"\b__aenter__\b": "__enter__",
    r"\b__aexit__\b": "__exit__",
    r"\b__aiter__\b": "__iter__",
    r"\bmusicai_sdk\.resources\.(?=[a-z]+ )": "musicai_sdk.resources._sync.",
}
"""Patterns with their replacements. An unused entry is an error."""
ONLY_ASYNC = {"__await__", "_all"}
"""Methods that are omitted."""

HEADER = "# Generated from {source} by scripts/generate: edit that file.\n"


def twins(sources: dict[Path, Path], root: Path) -> Iterator[tuple[Path, str]]:
    """Every generated file with its text.

    Args:
        sources: The generated files by their sources.
        root: The repository.

    Raises:
        ValueError: an entry of the tables above is unused.
    """
    unused = {*RENAMED, *ONLY_ASYNC}
    for source, target in sources.items():
        text = _without_await(source.read_text("utf-8"), unused)
        for pattern, name in RENAMED.items():
            text, count = re.subn(pattern, name, text)
            if count:
                unused.discard(pattern)
        text = HEADER.format(source=source.relative_to(root)) + text
        yield target, _formatted(text, target)
    if unused:
        raise ValueError(f"scripts/_sync_twins.py: unused entries {sorted(unused)}")


def _without_await(source: str, unused: set[str]) -> str:
    """The source without `async` and `await`."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def begin(node: ast.stmt | ast.expr) -> int:
        return starts[node.lineno - 1] + node.col_offset

    def end(node: ast.stmt | ast.expr) -> int:
        return starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)

    edits = list[tuple[int, int, str]]()
    used = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name in ONLY_ASYNC:
            unused.discard(node.name)
            edits.append((begin(node), end(node), ""))
        elif isinstance(node, ast.AsyncFunctionDef):
            edits.append((begin(node), begin(node) + len("async "), ""))
        elif isinstance(node, ast.AsyncFor):
            used.add("run_sync_each")
            edits.append((begin(node), begin(node) + len("async "), ""))
            edits += [
                (begin(node.iter), begin(node.iter), "run_sync_each("),
                (end(node.iter), end(node.iter), ")"),
            ]
        elif isinstance(node, ast.Await):
            used.add("run_sync")
            edits.append((begin(node), begin(node.value), "run_sync("))
            edits.append((end(node), end(node), ")"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value:
            text = source.encode()[begin(node) : end(node)].decode()
            edits.append((begin(node), end(node), re.sub(r"\b(await|async) (?=\w)", "", text)))
    removed = [(start, stop) for start, stop, text in edits if not text and stop - start > len("async ")]
    data = source.encode()
    for start, stop, text in sorted(edits, reverse=True):
        if not any(
            first <= start and stop <= last and (start, stop) != (first, last) for first, last in removed
        ):
            data = data[:start] + text.encode() + data[stop:]
    future = "from __future__ import annotations\n"
    imports = "".join(f"from musicai_sdk._io import {name}\n" for name in sorted(used))
    return data.decode().replace(future, future + imports, 1)


def _formatted(text: str, path: Path) -> str:
    """The text, formatted and without unused imports."""
    for command in (
        ["check", "--fix-only", "--quiet", "--select=I,F401"],
        ["format", "--quiet"],
    ):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text
