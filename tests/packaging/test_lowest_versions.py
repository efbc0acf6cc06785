"""The package with the lowest versions of its dependencies that pyproject.toml allows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
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


def lowest_versions() -> list[str]:
    """The core dependencies as `name==lowest`."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies: list[str] = tomllib.load(file)["project"]["dependencies"]
    lowest = [re.match(r"([\w.-]+)\s*>=\s*([\w.]+)", each) for each in dependencies]
    assert all(lowest), f"a dependency without a lowest version: {dependencies}"
    return [f"{each[1]}=={each[2]}" for each in lowest if each]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds these versions and nothing else."""
    home = tmp_path_factory.mktemp("lowest")
    venv.create(home, with_pip=False, symlinks=True)
    interpreter = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", f"--python={interpreter}", "install", "--quiet", "--no-input"]
    done = subprocess.run(
        [*pip, "--retries=1", "--timeout=15", *lowest_versions()],
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


def test_workflows_of_a_users_own(python: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    assert run(python, OWN_WORKFLOW, sandbox, tmp_path) == "fine\n"
