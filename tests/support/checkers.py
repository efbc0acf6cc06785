"""The typing programs, and the type checkers that read them. `scripts/checkers` prints a table of all checkers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any, TypeAlias

import musicai_sdk

HERE = Path(__file__).parents[1] / "typing"
SOURCES = Path(musicai_sdk.__file__).parents[1]
README = HERE.parents[1] / "README.md"
OF_README = "readme.py"
ACCEPTED = ("good.py", "good_1_0.py", "good_compat.py", "good_workflows.py", OF_README)
MISTAKEN = {"bad.py": 50, "bad_workflows.py": 25}
"""Programs with mistakes, and the least number of them."""
PROGRAMS = (*ACCEPTED, *MISTAKEN)
LEAST_FOUND = 0.95
"""The share of the marked mistakes that `OTHERS` must find."""
MARK = re.compile(r"# E: (?P<mypy>[a-z-]+), (?P<pyright>report\w+)$")

Found: TypeAlias = dict[str, dict[int, set[str]]]
"""The codes of the errors, by file name and line."""

MYPY = f"""\
[mypy]
strict = true
python_version = 3.11
warn_unreachable = true
# As if the package were installed: what is wrong inside it is not the user's error.
mypy_path = {SOURCES}
follow_imports = silent
"""

PLUGIN = """\
plugins = pydantic.mypy
[pydantic-mypy]
init_typed = true
"""


def make_project(folder: Path) -> None:
    """Creates a user's project with the programs, without this repository's settings."""
    for name in {*PROGRAMS} - {OF_README}:
        shutil.copy(HERE / name, folder)
    (folder / OF_README).write_text(readme_as_a_program())


def readme_as_a_program() -> str:
    """The README's examples, each in a function, because they share names, with the imports of the earlier ones."""
    imports = dict[str, None]()
    functions = list[str]()
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)):
        lines = str(block).splitlines()
        top = [line for line in lines if re.match(r"from \S+ import |import ", line)]
        imports.update(dict.fromkeys(top))
        # pytest passes fixtures by name, so type checkers can't infer unannotated arguments.
        if "def test_" not in block:
            rest = "\n".join(line for line in lines if line not in top)
            functions.append(f"def block_{number}() -> None:\n{indent(rest, '    ')}")
    assert len(functions) > 8
    # Variables that a reader would use next are unused in a function.
    settings = "# pyright: reportUnusedClass=false, reportUnusedVariable=false"
    return "\n".join([settings, "from __future__ import annotations", *imports, *functions, ""])


def marked_lines(program: str) -> list[int]:
    """The lines with mistakes, counted from 1."""
    lines = (HERE / program).read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if "# E:" in line]


def run(project: Path, *arguments: str, program: Sequence[str] = (sys.executable, "-m")) -> str:
    done = subprocess.run([*program, *arguments], cwd=project, capture_output=True, text=True, check=False)
    # 1 means that there are errors; any other status means that the checker failed.
    assert done.returncode == 1, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def with_mypy(project: Path, *, plugin: bool) -> Found:
    config = project / f"mypy-{plugin}.ini"
    config.write_text(MYPY + (PLUGIN if plugin else ""))
    cache = project / f"cache-{plugin}"
    output = run(
        project,
        "mypy",
        "--config-file",
        str(config),
        "--cache-dir",
        str(cache),
        "--output",
        "json",
        *PROGRAMS,
    )
    found: Found = defaultdict(lambda: defaultdict(set))
    for line in output.splitlines():
        if line.startswith("{"):
            problem: dict[str, Any] = json.loads(line)
            if problem["severity"] != "note":
                found[Path(problem["file"]).name][problem["line"]].add(problem["code"])
    return found


def with_mypy_alone(project: Path) -> Found:
    return with_mypy(project, plugin=False)


def with_mypy_and_plugin(project: Path) -> Found:
    return with_mypy(project, plugin=True)


def with_pyright(project: Path) -> Found:
    return _with_pyright(project, "strict", (sys.executable, "-m", "pyright"))


def with_basedpyright(project: Path) -> Found:
    return _with_pyright(project, "recommended", (installed("basedpyright"),))


def _with_pyright(project: Path, mode: str, program: Sequence[str]) -> Found:
    settings = {
        "include": list(PROGRAMS),
        "extraPaths": [str(SOURCES)],
        "pythonVersion": "3.11",
        "typeCheckingMode": mode,
    }
    config = project / f"pyright-{mode}.json"
    config.write_text(json.dumps(settings))
    arguments = ("-p", str(config), "--pythonpath", sys.executable, "--outputjson")
    warnings = ("--warnings",) if mode == "strict" else ()
    report = json.loads(run(project, *arguments, *warnings, program=program))
    found: Found = defaultdict(lambda: defaultdict(set))
    assert report["summary"]["filesAnalyzed"] == len(PROGRAMS)
    for problem in report["generalDiagnostics"]:
        if warnings or problem["severity"] == "error":
            line: int = problem["range"]["start"]["line"] + 1
            found[Path(problem["file"]).name][line].add(problem.get("rule", "syntax"))
    return found


def with_ty(project: Path) -> Found:
    places = ("--python", sys.prefix, "--extra-search-path", str(SOURCES), "--python-version", "3.11")
    output = run(
        project, "check", *places, "--output-format", "concise", *PROGRAMS, program=(installed("ty"),)
    )
    return _from_lines(output, re.compile(r"(?P<file>[^:]+):(?P<line>\d+):\d+: \w+\[(?P<code>[\w-]+)\]"))


def with_pyrefly(project: Path) -> Found:
    settings = {
        "preset": "default",
        "python-interpreter-path": sys.executable,
        "python-version": "3.11.0",
        "search-path": [str(SOURCES), "."],
        "project-includes": list(PROGRAMS),
    }
    # A list of strings in TOML is one in JSON.
    (project / "pyrefly.toml").write_text(
        "".join(f"{name} = {json.dumps(each)}\n" for name, each in settings.items())
    )
    output = run(project, "check", "--output-format", "min-text", program=(installed("pyrefly"),))
    return _from_lines(output, re.compile(r"ERROR (?P<file>[^:]+):(?P<line>\d+):.*\[(?P<code>[\w-]+)\]$"))


def _from_lines(output: str, pattern: re.Pattern[str]) -> Found:
    found: Found = defaultdict(lambda: defaultdict(set))
    for match in filter(None, map(pattern.match, output.splitlines())):
        found[Path(match["file"]).name][int(match["line"])].add(match["code"])
    return found


def installed(checker: str) -> str:
    """The path of a checker: of `scripts/checkers`, or on the search path. Empty if it isn't installed."""
    places = f"{HERE.parents[1] / '.venv-checkers' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return shutil.which(checker, path=places) or ""


CHECKERS: dict[str, tuple[str, Callable[[Path], Found]]] = {
    "mypy": ("mypy", with_mypy_alone),
    "mypy with pydantic's plugin": ("mypy", with_mypy_and_plugin),
    "pyright": ("pyright", with_pyright),
}
"""Each checker, and the index of its code in a mark."""

OTHERS: dict[str, Callable[[Path], Found]] = {
    "ty": with_ty,
    "pyrefly": with_pyrefly,
    "basedpyright": with_basedpyright,
}
"""Checkers whose codes aren't in the marks. They aren't part of the test environment."""


def false_errors(found: Found) -> list[str]:
    """The errors in the programs without mistakes."""
    return [f"{name}:{line}: {sorted(codes)}" for name in ACCEPTED for line, codes in found[name].items()]


def share_found(found: Found) -> float:
    """The share of the marked lines with an error."""
    marks = [(name, line) for name in MISTAKEN for line in marked_lines(name)]
    return sum(line in found[name] for name, line in marks) / len(marks)
