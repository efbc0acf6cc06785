"""Type checkers accept what users write (`good*.py`, the README) and find their mistakes (`bad*.py`)."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any, TypeAlias

import pytest

import musicai_sdk

HERE = Path(__file__).parent
SOURCES = Path(musicai_sdk.__file__).parents[1]
README = HERE.parents[1] / "README.md"
OF_README = "readme.py"
ACCEPTED = ("good.py", "good_1_0.py", "good_compat.py", "good_workflows.py", OF_README)
MISTAKEN = {"bad.py": 50, "bad_workflows.py": 25}
"""Programs with mistakes, and more than how many."""
PROGRAMS = (*ACCEPTED, *MISTAKEN)
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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project: the programs, and no trace of this repository's settings."""
    folder = tmp_path_factory.mktemp("project")
    for name in {*PROGRAMS} - {OF_README}:
        shutil.copy(HERE / name, folder)
    (folder / OF_README).write_text(readme_as_a_program())
    return folder


def readme_as_a_program() -> str:
    """The README's examples, each in a function: they use the same names, and the imports of those before them."""
    imports = dict[str, None]()
    functions = list[str]()
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)):
        lines = str(block).splitlines()
        top = [line for line in lines if re.match(r"from \S+ import |import ", line)]
        imports.update(dict.fromkeys(top))
        # pytest gives fixtures by name: no type checker knows what an argument without an annotation is.
        if "def test_" not in block:
            rest = "\n".join(line for line in lines if line not in top)
            functions.append(f"def block_{number}() -> None:\n{indent(rest, '    ')}")
    assert len(functions) > 8
    # What a reader goes on with is unused in a function.
    settings = "# pyright: reportUnusedClass=false, reportUnusedVariable=false"
    return "\n".join([settings, "from __future__ import annotations", *imports, *functions, ""])


def run(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    # 1 is "there are errors"; anything else is a checker that couldn't do its work.
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
    settings = {
        "include": list(PROGRAMS),
        "extraPaths": [str(SOURCES)],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
    }
    config = project / "pyrightconfig.json"
    config.write_text(json.dumps(settings))
    output = run(
        project, "pyright", "-p", str(config), "--pythonpath", sys.executable, "--warnings", "--outputjson"
    )
    found: Found = defaultdict(lambda: defaultdict(set))
    report = json.loads(output)
    assert report["summary"]["filesAnalyzed"] == len(PROGRAMS)
    for problem in report["generalDiagnostics"]:
        line: int = problem["range"]["start"]["line"] + 1
        found[Path(problem["file"]).name][line].add(problem.get("rule", "syntax"))
    return found


CHECKERS: dict[str, tuple[str, Callable[[Path], Found]]] = {
    "mypy": ("mypy", with_mypy_alone),
    "mypy with pydantic's plugin": ("mypy", with_mypy_and_plugin),
    "pyright": ("pyright", with_pyright),
}
"""Each checker, and which half of a mark is its own."""


@pytest.fixture(scope="module", params=CHECKERS)
def checked(request: pytest.FixtureRequest, project: Path) -> tuple[str, Found]:
    kind, check = CHECKERS[request.param]
    return kind, check(project)


@pytest.mark.parametrize("program", ACCEPTED)
def test_what_users_write_is_accepted(checked: tuple[str, Found], program: str) -> None:
    _, found = checked
    assert found[program] == {}


@pytest.mark.parametrize("program", MISTAKEN)
def test_every_mistake_is_found_and_nothing_else(checked: tuple[str, Found], program: str) -> None:
    kind, found = checked
    lines = (HERE / program).read_text().splitlines()
    marks = {number: MARK.search(line) for number, line in enumerate(lines, 1) if "# E:" in line}
    expected = {number: mark[kind] for number, mark in marks.items() if mark}
    assert len(expected) == len(marks) > MISTAKEN[program], "a mark is malformed"
    problems = [
        f"{number}: {lines[number - 1].strip()}: {sorted(found[program].get(number, ()))}"
        for number in sorted(expected.keys() | found[program].keys())
        if expected.get(number) not in found[program].get(number, set[str]())
    ]
    assert not problems, "\n".join(problems)


def imported(program: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    name = Path(program).stem
    specification = importlib.util.spec_from_file_location(name, HERE / program)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, name, module)
    specification.loader.exec_module(module)
    return module


def test_what_users_write_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = imported("good_workflows.py", monkeypatch).Analysis
    assert analysis(input_url="a.wav", lyrics="b.json").to_params() == {
        "inputUrl": "a.wav",
        "Input 2": "b.json",
    }
    module = imported("good.py", monkeypatch)
    assert module.Louder(input_url="a.wav").to_params() == {
        "inputUrl": "a.wav",
        "Target LUFS": -14.0,
        "tags": (),
        "mode": "best",
        "ceiling": -1.0,
    }
