"""Type checkers accept what users write (`good*.py`, the README) and find their mistakes (`bad*.py`)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from support.checkers import (
    ACCEPTED,
    CHECKERS,
    HERE,
    LEAST_FOUND,
    MARK,
    MISTAKEN,
    OTHERS,
    Found,
    false_errors,
    installed,
    make_project,
    marked_lines,
    share_found,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    make_project(folder)
    return folder


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
    marks = {number: MARK.search(lines[number - 1]) for number in marked_lines(program)}
    expected = {number: mark[kind] for number, mark in marks.items() if mark}
    assert len(expected) == len(marks) > MISTAKEN[program], "a mark is malformed"
    problems = [
        f"{number}: {lines[number - 1].strip()}: {sorted(found[program].get(number, ()))}"
        for number in sorted(expected.keys() | found[program].keys())
        if expected.get(number) not in found[program].get(number, set[str]())
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("checker", OTHERS)
def test_other_checkers(checker: str, project: Path) -> None:
    if not installed(checker):
        pytest.skip(f"{checker} isn't installed: scripts/checkers installs it")
    found = OTHERS[checker](project)
    assert false_errors(found) == []
    assert share_found(found) >= LEAST_FOUND


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
