"""Programs for the published 1.0.4 print the same with it and with `musicai_sdk.compat`."""

from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import musicai_sdk
from musicai_sdk.sandbox import Sandbox
from support.published import published_python, run, variables

PROGRAMS = Path(__file__).parent / "programs"
SONG = Path(__file__).parents[1] / "songs" / "block1.ogg"
SOURCES = Path(musicai_sdk.__file__).parents[1]
OURS = "musicai_sdk.compat"

UNLIKE = [
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
    (re.compile(r"\?[^\s'\",]*(?=['\"])"), "?<signature>"),
]
"""Parts of the output that differ between runs."""


@pytest.fixture(scope="module")
def service() -> Iterator[Sandbox]:
    """With TLS: the published client downloads only https:// URLs."""
    with Sandbox(tls=True, seed=0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(service: Sandbox) -> Iterator[Sandbox]:
    yield service
    service.reset()


@pytest.fixture
def published(request: pytest.FixtureRequest) -> Path:
    return published_python(request)


def printed(python: Path | str, text: str, sandbox: Sandbox, folder: Path) -> str:
    """The output of a program with 1.0.4, or with compat after one changed import."""
    folder.mkdir()
    (folder / "song.mp3").write_bytes(SONG.read_bytes())
    environment = {**variables(sandbox, "REQUESTS_CA_BUNDLE"), "UPLOAD_URL": upload_url(sandbox)}
    if python == sys.executable:
        environment["PYTHONPATH"] = str(SOURCES)
        text = text.replace("from musicai_sdk import", f"from {OURS} import")
    else:
        text = text.replace(OURS, "musicai_sdk")
    (folder / "program.py").write_text(text, encoding="utf-8")
    answer = run([python, "-W", "error", "program.py", "song.mp3", "out"], env=environment, cwd=folder)
    assert answer.returncode == 0, answer.stderr
    output = answer.stdout
    for pattern, name in UNLIKE:
        output = pattern.sub(name, output)
    return output


def upload_url(sandbox: Sandbox) -> str:
    """An upload URL that stands for the caller's own storage."""
    with httpx.Client(verify=ssl.create_default_context(cafile=sandbox.ca_file)) as client:
        answer = client.get(f"{sandbox.base_url}/upload", headers={"Authorization": sandbox.api_key})
    url: str = answer.json()["uploadUrl"]
    return url


def readme_program(python: Path) -> str:
    """The first program in the README of the published package, with another key and address."""
    [metadata] = python.parents[1].rglob("musicai_sdk-1.0.4.dist-info/METADATA")
    found = re.search(r"```python\n(.*?)```", metadata.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    made = 'music_ai = MusicAiClient(api_key="your-api-key")\n'
    assert made in found[1]
    here = """import os
music_ai = MusicAiClient(api_key=os.environ["MUSIC_AI_API_KEY"])
music_ai.base_url = os.environ["MUSIC_AI_BASE_URL"]
"""
    return found[1].replace(made, here)


def compared(text: str, published: Path, sandbox: Sandbox, folder: Path) -> str:
    """The output of both, which must be the same."""
    theirs = printed(published, text, sandbox, folder / "theirs")
    sandbox.reset()
    ours = printed(sys.executable, text, sandbox, folder / "ours")
    assert ours == theirs
    return ours


def test_the_published_quick_start(published: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    text = readme_program(published)
    assert compared(text, published, sandbox, tmp_path) == "Result: {'chords': './chords/chords.json'}\n"
    files = [
        sorted(path.name for path in (tmp_path / who / "chords").iterdir()) for who in ("ours", "theirs")
    ]
    assert files == [["chords.json", "workflow.result.json"]] * 2
    assert sandbox.jobs == []


@pytest.mark.parametrize("name", sorted(path.stem for path in PROGRAMS.glob("*.py")))
def test_programs(name: str, published: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    text = (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
    assert compared(text, published, sandbox, tmp_path).count("\n") > 3


def test_there_are_ten_programs() -> None:
    assert len(list(PROGRAMS.glob("*.py"))) >= 10
