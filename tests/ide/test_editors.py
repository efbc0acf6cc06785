"""Editors complete and explain: jedi and pyright's language server, asked at marked positions of a program."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import musicai_sdk
from musicai_sdk.workflows import GenerateChords
from support.language_server import LanguageServer

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
    """In a folder of its own: the editor knows nothing of this repository."""
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
        # From source, jedi knows neither the fields of a generic dataclass nor literals: there it only explains.
        ("workflow", set[str](), "workflow", "Recognises the chords of a song."),
        ("result", {"chords"}, "result", "The chord segments"),
        ("status", set[str](), "attr", "The job's status."),
    ],
)
def test_jedi(script: Any, mark: str, names: set[str], hovered: str, documentation: str) -> None:
    line, column = MARKS[mark]
    assert names <= {completion.name for completion in script.complete(line + 1, column)}
    line, column = MARKS[hovered]
    found = [*script.help(line + 1, column), *script.get_signatures(line + 1, column)]
    assert any(documentation in each.docstring() for each in found)


@pytest.mark.parametrize("typed", ["GenerateChords(", "GenerateChords(inp"])
def test_jedi_in_a_notebook(typed: str) -> None:
    """IPython and Jupyter ask jedi with the live objects at hand, whose signatures it knows."""
    interpreter: Any = jedi.Interpreter(typed, [{"GenerateChords": GenerateChords}])
    assert "input_url=" in {each.name for each in interpreter.complete()}
    assert [each.to_string() for each in interpreter.get_signatures()] == [
        "GenerateChords(*, input_url: 'FileInput')"
    ]
