"""The skill for agents in the package: tools find it, and its code runs against the sandbox."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import yaml
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import musicai_sdk
from conftest import SONGS
from support.agents import Studio, agent

SKILL = Path(musicai_sdk.__file__).parent / ".agents" / "skills" / "musicai-sdk" / "SKILL.md"
TEXT = SKILL.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def studio_with_songs(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """The studio's folder has the files of the examples, and the environment points to its sandbox."""
    samples, rate = soundfile.read(SONGS / "block1.ogg", frames=48_000 * 10)
    (studio.root / "songs").mkdir()
    soundfile.write(studio.root / "song.mp3", samples, rate)
    soundfile.write(studio.root / "songs" / "one.mp3", samples[rate:], rate)
    monkeypatch.setenv("MUSIC_AI_API_KEY", studio.sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", studio.sandbox.base_url)
    monkeypatch.chdir(studio.root)
    return studio


def test_agent_tools_find_it() -> None:
    """They look for `.agents/skills/<name>/SKILL.md` in installed packages, and read the front matter."""
    _, front, body = TEXT.split("---\n", 2)
    fields = yaml.safe_load(front)
    assert set(fields) == {"name", "description", "license"}
    assert fields["name"] == SKILL.parent.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fields["name"])
    assert 100 < len(fields["description"]) <= 1024
    assert all(line.count(":") and not line.startswith(" ") for line in front.splitlines())
    assert len(body.splitlines()) < 500


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_each_python_block_runs_alone(
    number: int, studio_with_songs: Studio, capsys: pytest.CaptureFixture[str]
) -> None:
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(SKILL.parent)).parse(SKILL)
    list(document.examples())[number].evaluate()
    assert capsys.readouterr().out.strip()


def test_the_commands_run(studio_with_songs: Studio) -> None:
    (commands,) = blocks("bash")
    lines = commands.splitlines()
    assert all(line.startswith("musicai ") for line in lines)
    jobs = list[int]()
    for line in lines:
        words = [sys.executable, "-m", "musicai_sdk.cli", *line.split()[1:]]
        done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, (line, done.stderr)
        jobs.append(studio_with_songs.posts())
    assert jobs[1] == jobs[0], "the dry run has created a job"
    assert jobs[-1] > jobs[0]
    assert (studio_with_songs.root / "out" / "one" / "chords.json").exists()


def test_the_configuration_starts_a_server(studio: Studio, tmp_path: Path) -> None:
    (text,) = blocks("json")
    server = json.loads(text)["mcpServers"]["musicai"]
    assert server["command"] == "musicai"
    assert server["args"][:2] == ["mcp", "--root"]
    assert server["args"][3:] == ["--max-jobs", "20"]
    (tmp_path / "key").write_text(studio.sandbox.api_key)
    studio.key_file = tmp_path / "key"
    assert list(server["env"]) == ["MUSIC_AI_API_KEY_FILE"]
    with agent(studio) as ask:
        assert set(re.findall(r"`((?:read|get|list|download)_\w+|process)`", TEXT)) <= {
            each.name for each in ask.tools()
        }
        assert ask("list_workflows")["workflows"]
