"""The pytest plugin in a user's tests, run by their own pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.short_test import TEN_LINES

ROOT = Path(__file__).parents[2]

MORE = """
import asyncio, os
from musicai_sdk import MusicAiClient

seen = []

def test_the_sandbox_is_empty(musicai_sandbox):
    assert (musicai_sandbox.jobs, musicai_sandbox.requests) == ([], [])
    seen.append(musicai_sandbox.base_url)

def test_the_environment(musicai_sandbox):
    with MusicAiClient() as client:
        assert client.application.get().name == "Default Application"
    musicai_sandbox.faults.add("* *", status=500)
    seen.append(musicai_sandbox.base_url)

def test_async(async_musicai_client):
    async def name():
        async with async_musicai_client as client:
            return (await client.application.get()).name
    assert asyncio.run(name()) == "Default Application"

def test_one_server(musicai_sandbox):
    assert {musicai_sandbox.base_url} == set(seen) and len(seen) == 2

def test_the_environment_is_restored():
    assert "MUSIC_AI_BASE_URL" not in os.environ
"""

IDLE = """
import sys

def test_nothing():
    assert not {"httpx", "pydantic", "starlette", "numpy", "musicai_sdk.client", "musicai_sdk.sandbox"} & set(sys.modules)
    assert "musicai_sdk.testing" in sys.modules
"""


def run(folder: Path, text: str) -> str:
    (folder / "test_mine.py").write_text(text)
    shutil.copyfile(ROOT / "tests" / "songs" / "block1.ogg", folder / "song.ogg")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUSIC_AI_")}
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "musicai_sdk.testing", "-p", "no:cacheprovider",
         "--rootdir", str(folder), str(folder)],
        capture_output=True, text=True, timeout=100, check=False, cwd=folder,
        env={**clean, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.mark.parametrize(
    ("text", "passed"), [(TEN_LINES, 2), (MORE, 5), (IDLE, 1)], ids=["ten-lines", "more", "idle"]
)
def test_tests_of_a_user(tmp_path: Path, text: str, passed: int) -> None:
    assert f"{passed} passed" in run(tmp_path, text)
