"""Editors complete and explain: jedi and pyright's language server, asked at marked positions of a program."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import musicai_sdk
from musicai_sdk import workflows
from musicai_sdk.codegen import WorkflowSchema, module_text
from musicai_sdk.codegen.names import class_names, field_names
from musicai_sdk.workflows import GenerateChords
from support.language_server import LanguageServer
from support.nasty_workflows import WORKFLOWS

jedi: Any = import_module("jedi")  # it has no types

SOURCES = Path(musicai_sdk.__file__).parents[1]
PROGRAM = """\
from pathlib import Path

from musicai_sdk import MusicAiClient
from musicai_sdk.workflows import GenerateChords

client = MusicAiClient()
client.jobs.run
#           ^ jobs
GenerateChords()
#              ^ workflow
job = client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
#                                    ^ argument
job.result.chords
#          ^ result
job.status == "QUEUED"
#   ^ attr     ^ status
"""
"""What someone types. The comments mark positions in the lines above them."""
LINES = PROGRAM.splitlines()

JOBS = {"create", "run", "get", "status", "list", "wait", "wait_all", "download", "delete", "find"}
STATUSES = {'"QUEUED"', '"STARTED"', '"SUCCEEDED"', '"FAILED"'}


MARKS: Mapping[str, tuple[int, int]] = {
    match[1]: (number - 1, match.start())
    for number, line in enumerate(LINES)
    if line.startswith("#")
    for match in re.finditer(r"\^ (\w+)", line)
}
"""Lines and columns of the marked positions, counted from 0."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in its own folder, so that the editor doesn't see this repository."""
    path = tmp_path_factory.mktemp("project") / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture(scope="module")
def pyright(program: Path) -> Iterator[LanguageServer]:
    with LanguageServer(program.parent, SOURCES) as server:
        server.open(program)
        yield server


@pytest.fixture(scope="module")
def script(program: Path) -> Any:
    project = jedi.Project(program.parent, added_sys_path=[str(SOURCES)])
    return jedi.Script(path=program, project=project)


@pytest.mark.parametrize(
    ("mark", "names", "hovered", "documentation"),
    [
        ("jobs", JOBS, "jobs", "Creates a job and waits for its results"),
        ("workflow", {"input_url="}, "argument", "The song: a URL, a local path, or an uploaded file."),
        ("result", {"chords"}, "result", "The chord segments"),
        ("status", STATUSES, "attr", "The job's status."),
    ],
)
def test_pyright(
    pyright: LanguageServer, program: Path, mark: str, names: set[str], hovered: str, documentation: str
) -> None:
    offered = set(pyright.complete(program, *MARKS[mark]))
    assert names <= offered
    assert documentation in pyright.hover(program, *MARKS[hovered])
    if mark == "status":
        assert offered == STATUSES


def test_pyright_explains_a_workflow(pyright: LanguageServer, program: Path) -> None:
    text = pyright.hover(program, MARKS["workflow"][0], 0)
    assert "input_url: FileInput" in text
    assert "Recognises the chords of a song." in text


@pytest.mark.parametrize(
    ("mark", "names", "hovered", "documentation"),
    [
        ("jobs", JOBS, "jobs", "Creates a job and waits for its results"),
        ("workflow", {"input_url="}, "workflow", "Recognises the chords of a song."),
        ("result", {"chords"}, "result", "The chord segments"),
        ("status", set[str](), "attr", "The job's status."),  # jedi doesn't know literals
    ],
)
def test_jedi(script: Any, mark: str, names: set[str], hovered: str, documentation: str) -> None:
    line, column = MARKS[mark]
    assert names <= {completion.name for completion in script.complete(line + 1, column)}
    line, column = MARKS[hovered]
    found = [*script.help(line + 1, column), *script.get_signatures(line + 1, column)]
    assert any(documentation in each.docstring() for each in found)


BUILT_IN = [
    name
    for name in workflows.__all__
    if getattr(workflows, name).__module__.endswith(".templates") and not name.endswith("Result")
]


def complete_from_source(module: str, name: str, typed: str, folder: Path) -> tuple[set[str], list[str]]:
    """The parameters that jedi offers, and the signatures that it shows."""
    project = jedi.Project(folder, added_sys_path=[str(SOURCES)])
    script = jedi.Script(
        f"from {module} import {name}\n{name}({typed}", path=folder / "new.py", project=project
    )
    offered = {each.name for each in script.complete() if each.name.endswith("=")}
    return offered, [each.to_string() for each in script.get_signatures()]


@pytest.mark.parametrize("name", BUILT_IN)
def test_jedi_knows_the_parameters_of_every_built_in_workflow(name: str, tmp_path: Path) -> None:
    fields = {field.name for field in dataclasses.fields(getattr(workflows, name))}
    assert fields
    for typed in ("", "inp"):
        offered, [signature] = complete_from_source("musicai_sdk.workflows", name, typed, tmp_path)
        assert offered == {f"{field}=" for field in fields if field.startswith(typed)}
        assert signature == f"{name}(*, {', '.join(f'{field}: FileInput' for field in fields)})"


@pytest.mark.parametrize("schema", WORKFLOWS, ids=lambda schema: ascii(schema.slug)[:30])
def test_jedi_knows_the_parameters_of_generated_workflows(schema: WorkflowSchema, tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(module_text(WORKFLOWS), encoding="utf-8")
    name = class_names(WORKFLOWS)[schema.slug]
    offered, [signature] = complete_from_source("ours", name, "", tmp_path)
    fields = field_names(schema.inputs)
    assert offered == {f"{field}=" for field in fields}
    assert signature.startswith(f"{name}(*, {fields[0]}: " if fields else f"{name}()")


@pytest.mark.parametrize("typed", ["GenerateChords(", "GenerateChords(inp"])
def test_jedi_in_a_notebook(typed: str) -> None:
    """IPython and Jupyter pass live objects to jedi, which then knows their signatures."""
    interpreter: Any = jedi.Interpreter(typed, [{"GenerateChords": GenerateChords}])
    assert "input_url=" in {each.name for each in interpreter.complete()}
    assert [each.to_string() for each in interpreter.get_signatures()] == [
        "GenerateChords(*, input_url: 'FileInput')"
    ]
