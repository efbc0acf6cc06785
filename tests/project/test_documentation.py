"""The examples of the README and of the package's docstrings run, against the sandbox, on a real MP3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile
from sybil import Document, Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import musicai_sdk
from conftest import SONGS
from musicai_sdk import MusicAiClient
from musicai_sdk.sandbox import Sandbox
from support.buckets import s3_server

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def at_home(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a song, and an environment that points at the sandbox."""
    samples, rate = soundfile.read(SONGS / "block1.ogg", frames=48_000 * 10)
    soundfile.write(tmp_path / "song.mp3", samples, rate)
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "one.mp3").write_bytes((tmp_path / "song.mp3").read_bytes())
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(document: Document, sandbox: Sandbox | None = None) -> int:
    count = 0
    for example in document.examples():
        example.evaluate()
        count += 1
        if sandbox is not None and (test := document.namespace.pop("test_a_lost_answer_costs_one_job", None)):
            sandbox.reset()  # as the fixtures do before every test
            with sandbox.client() as client:
                test(client, sandbox)
        # The 1.0 quick start never closes its client.
        for value in list[Any](document.namespace.values()):
            if isinstance(value, MusicAiClient):
                value.close()
    return count


def parse(path: Path) -> Document:
    return Sybil(parsers=[PythonCodeBlockParser()], path=str(path.parent)).parse(path)


def test_readme(
    at_home: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server() as s3:
        s3.begin()
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        assert run(parse(README), sandbox) == README.read_text().count("```python\n")
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
    assert len(README.read_text().splitlines()) <= 310


def test_package_docstring(at_home: Path) -> None:
    text = at_home / "docstring.md"
    assert musicai_sdk.__doc__ is not None
    text.write_text(musicai_sdk.__doc__)
    assert run(parse(text)) == 1
