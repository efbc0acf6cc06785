"""A user's short test in an environment with only `musicai-sdk[sandbox]` and pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support.short_test import TEN_LINES

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.skipif("pytest11" not in PROJECT.get("entry-points", {}), reason="the plugin isn't declared yet")
def test_ten_lines_in_a_fresh_environment(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    copy = tmp_path / "copy"  # Building leaves files beside the project.
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, copy / name)
    shutil.copytree(ROOT / "src", copy / "src")
    for command in (
        [sys.executable, "-m", "venv", environment],
        [python, "-m", "pip", "install", "-q", f"{copy}[sandbox]", "pytest"],
    ):
        made = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=280, check=False
        )
        if made.returncode:
            pytest.skip(f"a fresh environment can't be made here: {made.stderr[-200:]}")
    user = tmp_path / "user"
    user.mkdir()
    (user / "test_mine.py").write_text(TEN_LINES)
    shutil.copyfile(ROOT / "tests" / "songs" / "block1.ogg", user / "song.ogg")
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MUSIC_AI_", "PYTHON", "PYTEST"))
    }
    answer = subprocess.run(
        [python, "-m", "pytest", "-W", "error"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=user,
        env=clean,
    )
    print("\n" + answer.stdout)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "2 passed" in answer.stdout
