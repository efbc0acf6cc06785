"""The code blocks of the README, the guides and the package's docstrings run, against the sandbox, on a real MP3."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shlex
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib import resources
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from sybil import Example, Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import CodeBlockParser

import musicai_sdk
from conftest import SONGS
from musicai_sdk import (
    AsyncMusicAiClient,
    FileOutput,
    JsonFile,
    MusicAiClient,
    Workflow,
    WorkflowResult,
    batch,
    compat,
    workflows,
)
from musicai_sdk.cli.app import musicai
from musicai_sdk.models import Chord, LyricLine
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Task
from musicai_sdk.storage import Bucket
from support.buckets import S3, s3_server

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PACKAGE = ROOT / "src" / "musicai_sdk"
PLACEHOLDERS = {
    '"tcp://scheduler:8786"': '"local", workers=1',
    'api_key="your-api-key"': "",
}
"""Placeholders in examples, and their values in these tests."""


class SongResult(WorkflowResult):
    """The outputs of `job.result` in docstrings."""

    chords: JsonFile[list[Chord]]
    lyrics: JsonFile[list[LyricLine]]
    kick_drum: FileOutput


class Song(Workflow[SongResult], slug="acme/song"):
    """A workflow with every kind of result in docstrings."""


def song_results(task: Task) -> dict[str, Path]:
    files = {name: task.folder / f"{name}.json" for name in ("chords", "lyrics")}
    files["chords"].write_text('[{"start": 0, "end": 20, "chord_majmin": "C#:min"}]')
    files["lyrics"].write_text('[{"start": 0, "end": 2, "text": "La la"}]')
    files["kick_drum"] = task.folder / "kick.wav"
    soundfile.write(files["kick_drum"], np.zeros(48_000), 48_000)
    return files


@pytest.fixture(scope="module")
def running_s3() -> Iterator[S3]:
    with s3_server() as s3:
        yield s3


@pytest.fixture
def at_home(sandbox: Sandbox, running_s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a song, and an environment that points at the sandbox and an S3 server."""
    samples, rate = soundfile.read(SONGS / "block1.ogg", frames=48_000 * 10)
    soundfile.write(tmp_path / "song.mp3", samples, rate)
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "one.mp3").write_bytes((tmp_path / "song.mp3").read_bytes())
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    monkeypatch.chdir(tmp_path)
    running_s3.begin()
    for name, value in running_s3.environment.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def parse(path: Path) -> list[Example]:
    """The Python blocks of a Markdown file, or of the docstrings in a module."""
    sybil = Sybil(
        parsers=[CodeBlockParser("python", evaluate)],
        path=str(path.parent),
        document_types={".py": PythonDocStringDocument},
    )
    return list(sybil.parse(path))


def evaluate(example: Example) -> None:
    """Runs a block, in an event loop if it awaits."""
    source = str(example.parsed)
    for placeholder, value in PLACEHOLDERS.items():
        source = source.replace(placeholder, value)
    source = "\n" * (example.line + example.parsed.line_offset) + source
    code = compile(source, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if inspect.CO_COROUTINE & code.co_flags:
        asyncio.run(awaiting(code, example.namespace))
    else:
        exec(code, example.namespace)


async def awaiting(code: CodeType, namespace: dict[str, Any]) -> None:
    async with AsyncMusicAiClient() as client:
        namespace["client"] = client
        await eval(code, namespace)


def run_tests(namespace: dict[str, Any], sandbox: Sandbox) -> None:
    """Runs the tests that a block has defined, with the fixtures of `musicai_sdk.testing`."""
    for name in [name for name in namespace if name.startswith("test_")]:
        sandbox.reset()  # as the fixtures do before every test
        with sandbox.client() as client:
            namespace.pop(name)(musicai_client=client, musicai_sandbox=sandbox)


def close_clients(namespace: dict[str, Any]) -> None:
    """The quick start of 1.0 never closes its client."""
    for value in list(namespace.values()):
        if isinstance(value, (MusicAiClient, compat.MusicAiClient)):
            value.close()


@contextmanager
def names_for(path: Path, sandbox: Sandbox) -> Generator[dict[str, Any]]:
    """The names that the examples in a module's docstrings assume."""
    modules: list[Any] = [musicai_sdk, workflows, batch]
    if "compat" in path.parts:
        modules.append(compat)
    names = {name: getattr(module, name) for module in modules for name in module.__all__}
    sandbox.workflow("acme/song")(song_results)
    bucket = Bucket("s3://music/results")
    with MusicAiClient() as client:
        if "storage" in path.parts:
            song = workflows.GenerateChords(input_url="song.mp3")
            job: Any = client.jobs.run(song, copy_results_to=bucket)
        else:
            job = client.jobs.run(Song())
        names |= {"client": client, "job": job, "job_id": job.id, "bucket": bucket, "song": "song.mp3"}
        yield {**names, "Path": Path, "batch": batch}


def test_readme(at_home: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    examples = parse(README)
    for example in examples:
        assert len(str(example.parsed).splitlines()) <= 15
        example.namespace.clear()  # each block runs on its own
        example.evaluate()
        run_tests(example.namespace, sandbox)
        close_clients(example.namespace)
    assert len(examples) == README.read_text().count("```python\n")
    printed = capsys.readouterr().out
    assert "C#:maj" in printed
    assert "Result: ['chords/chords.json']" in printed
    assert "BAD_INPUT" in printed
    assert [
        len(list((at_home / "stems").glob(f"{name}*"))) for name in ("Kick drum", "Snare drum", "Other")
    ] == [1] * 3
    assert (at_home / "out" / "one" / "chords.json").exists()
    assert "one" in (at_home / "out" / "report.html").read_text()


def test_readme_is_a_front_door() -> None:
    assert len(README.read_text().splitlines()) <= 280


GUIDES = sorted((ROOT / "scripts" / "_docs" / "guides").glob("*.md"))
DOCUMENTED = [path for path in sorted(PACKAGE.rglob("*.py")) if "```python\n" in path.read_text("utf-8")]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
@pytest.mark.usefixtures("at_home")
def test_each_block_of_a_guide_runs_on_its_own(guide: Path) -> None:
    examples = parse(guide)
    assert len(examples) == guide.read_text().count("```python\n") > 0
    for example in examples:
        example.namespace.clear()
        example.evaluate()


@pytest.mark.parametrize("module", DOCUMENTED, ids=lambda module: str(module.relative_to(PACKAGE)))
@pytest.mark.usefixtures("at_home")
def test_docstrings(module: Path, sandbox: Sandbox) -> None:
    examples = parse(module)
    assert len(examples) == module.read_text("utf-8").count("```python\n")
    for example in examples:
        with names_for(module, sandbox) as names:
            example.namespace.clear()
            example.namespace.update(names)
            example.evaluate()
            run_tests(example.namespace, sandbox)
            close_clients(example.namespace)


SHELL = re.compile(r"^[ \t]*```console\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)


def command_lines() -> list[str]:
    texts = [path.read_text("utf-8") for path in (README, *GUIDES, *PACKAGE.rglob("*.py"))]
    blocks = [block for text in texts for block in SHELL.findall(text)]
    return sorted(
        {line.partition(" # ")[0].strip() for block in blocks for line in block.splitlines()} - {""}
    )


@pytest.mark.parametrize("line", command_lines())
def test_commands_exist(line: str) -> None:
    program, *arguments = shlex.split(line)
    if program == "musicai":
        # --help is handled after all options of the commands are known to exist, and before anything is done.
        outcome = CliRunner().invoke(musicai, [*arguments, "--help"])
        assert outcome.exit_code == 0, outcome.output
    elif program == "python":
        assert arguments[0] == "-m"
        assert find_spec(arguments[1])
    elif program.startswith("scripts/"):
        assert os.access(ROOT / program, os.X_OK)
    else:
        assert line.startswith(("pip install ", "export MUSIC_AI_", 'eval "$(_MUSICAI_COMPLETE='))


def test_the_package_ships_its_changelog() -> None:
    changelog = resources.files(musicai_sdk) / "CHANGELOG.md"
    assert f"\n## {version('musicai-sdk')}\n" in changelog.read_text("utf-8")
