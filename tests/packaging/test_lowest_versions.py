"""The package with the lowest versions of its dependencies, and on every Python of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from musicai_sdk.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

OWN_WORKFLOW = '''
from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING

from musicai_sdk import FileInput, FileOutput, MusicAiClient, Workflow, WorkflowResult, output, param

if TYPE_CHECKING:
    from pathlib import Path


class MineResult(WorkflowResult):
    file: FileOutput
    key: str | None = output("Root key", default=None)


class Mine(Workflow[MineResult], slug="sdk-test"):
    file: FileInput
    target: float = param("Target LUFS", default=-14.0)


def declared_in_a_function() -> type[Workflow[WorkflowResult]]:
    class LocalResult(WorkflowResult):
        file: FileOutput

    class Local(Workflow[LocalResult], slug="sdk-test"):
        file: FileInput

    return Local


source = """
from musicai_sdk.workflows import FileInput, Workflow, WorkflowResult
from musicai_sdk.models import FileOutput

class MadeResult(WorkflowResult):
    file: "FileOutput"

class Made(Workflow[MadeResult], slug="sdk-test"):
    file: "FileInput"
"""
generated = types.ModuleType("generated")
sys.modules["generated"] = generated
exec(source, generated.__dict__)

with MusicAiClient() as client:
    for kind in (Mine, declared_in_a_function(), generated.Made):
        job = client.jobs.run(kind(file="song.mp3"))
        assert job.result.file.startswith("http"), job.result
        assert job.result["file"] == job.result.file
        assert client.jobs.get(job.id, kind).result.file
print("fine")
'''


BATCH = """
import sys
from pathlib import Path

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch import Batch, ledger_of, open_ledger
from musicai_sdk.cli.app import musicai
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords

song = Path("song.mp3").read_bytes()
for number in range(4):
    Path("songs").mkdir(exist_ok=True)
    Path("songs", f"{number}.wav").write_bytes(song + bytes([number]))


def drain(event):
    if event.state == "finished":
        batch.drain()


with Sandbox() as sandbox:
    batch = Batch("sdk-test", "songs", "out", input_name="file", in_flight=2, connect=sandbox.async_client, on_event=drain)
    assert 0 < batch.run().progress.done < 4
    done = Batch("sdk-test", "songs", "out", input_name="file", connect=sandbox.async_client).run()
    assert done.ok and done.progress.done == 4, done
    assert len([each for each in sandbox.requests if (each.method, each.path) == ("POST", "/v1/job")]) == 4
    with sandbox.client() as client:
        assert client.files.read(client.jobs.run(GenerateChords(input_url=Path("song.mp3"))).result.chords)
with open_ledger(ledger_of("out")) as view:
    assert not list(view.check(Path("out")))
musicai.main(["batch", "export", "out"], standalone_mode=False)
"""


def dependencies(*, lowest: bool) -> list[str]:
    """The requirements of the core, the command line and the sandbox; optionally as `name==lowest`."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"]
    wanted: list[str] = [*project["dependencies"], *extras["cli"], *extras["sandbox"]]
    if not lowest:
        return wanted
    versions = [re.match(r"([\w.-]+)\s*>=\s*([\w.]+)", each) for each in wanted]
    assert all(versions), f"a dependency without a lowest version: {wanted}"
    return [f"{each[1]}=={each[2]}" for each in versions if each]


def interpreter_of(version: str) -> str:
    """A Python of this version; the test is skipped if there is none on this machine."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip(f"all tests run on Python {version}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    found = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, found):
        # pyenv's own `python3.12` is a script, which fails unless that version is selected.
        code = f"import sys, venv, sqlite3; sys.exit('.'.join(map(str, sys.version_info[:2])) != {version!r})"
        if not subprocess.run([candidate, "-c", code], capture_output=True, check=False).returncode:
            return candidate
    pytest.skip(f"there is no Python {version} on this machine")


@pytest.fixture(scope="module", params=["lowest", "3.11", "3.12", "3.13", "3.14"])
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment: with the lowest versions on this Python, or with the newest on another one."""
    version: str = request.param
    lowest = version == "lowest"
    base = sys.executable if lowest else interpreter_of(version)
    home = tmp_path_factory.mktemp(version)
    subprocess.run([base, "-m", "venv", "--without-pip", home], check=True)
    interpreter = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", f"--python={interpreter}", "install", "--quiet", "--no-input"]
    done = subprocess.run(
        [*pip, "--only-binary=:all:", "--retries=1", "--timeout=15", *dependencies(lowest=lowest)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if done.returncode and "from versions: none" in done.stderr:
        pytest.skip(f"pip can't reach an index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return interpreter


def run(python: Path, program: str, sandbox: Sandbox, folder: Path) -> str:
    shutil.copy(ROOT / "tests" / "songs" / "band0.ogg", folder / "song.mp3")
    (folder / "program.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [python, "-W", "error", "program.py"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MUSIC_AI_API_KEY": sandbox.api_key,
            "MUSIC_AI_BASE_URL": sandbox.base_url,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_quick_start(python: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"## Quick start\s+```python\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    told = run(python, found[1], sandbox, tmp_path)
    assert "D:min" in told
    assert (tmp_path / "chords" / "chords.json").exists()


def test_a_batch(python: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    exported = run(python, BATCH, sandbox, tmp_path).splitlines()
    assert len(exported) == 1 + 4 * 2


def test_workflows_of_a_users_own(python: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    assert run(python, OWN_WORKFLOW, sandbox, tmp_path) == "fine\n"
