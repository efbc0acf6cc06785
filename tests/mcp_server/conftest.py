"""A sandbox with workflows for agents, a folder with songs, and a server that most tests share."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import SONGS
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from support.agents import Agent, Studio, agent

SIGNED = "https://storage.example/cover.png?X-Goog-Signature=secret&Expires=1"


def lyrics(task: Task) -> dict[str, Output]:
    """Returns lyrics, and values of other kinds."""
    words = [{"word": "Hello", "start": 0.5, "end": 0.9}, {"word": "world"}]
    lines = [
        {"start": 0.5, "end": 1.5, "text": "Hello world", "words": words},
        {"text": "again", "cover": SIGNED},
    ]
    path = task.folder / "transcript.json"
    path.write_text(json.dumps(lines))
    (task.folder / "odd.json").write_text(f'{{"number": NaN, "text": "\\ud800", "url": "{SIGNED}"}}')
    odd = task.folder / "odd.json"
    return {"Transcription": path, "odd": odd, "cover": SIGNED, "tempo": 120.5, "more": {"url": SIGNED}}


def large(task: Task) -> dict[str, Output]:
    """Outputs that are too large for one answer, and addresses in a private network."""
    chords = [
        {"start": float(at), "end": at + 1.0, "chord_majmin": "C:maj", "bass": "b" * 500}
        for at in range(2000)
    ]
    (task.folder / "chords.json").write_text(json.dumps(chords))
    (task.folder / "list.json").write_text(
        json.dumps(["short", "y" * 300_000, *("z" * 30_000 for _ in range(20))])
    )
    (task.folder / "object.json").write_text(json.dumps({"a": "x" * 300_000}))
    files: dict[str, Output] = {name: task.folder / f"{name}.json" for name in ("chords", "list", "object")}
    return {**files, "long": "v" * 20_000, "longer": "v" * 300_000}


def inward(_task: Task) -> dict[str, Output]:
    """An output with a URL in a private network, as a job for which an agent chose the URL may have."""
    return {"secrets": "http://169.254.169.254/latest/meta-data/keys.json", "fine": "value"}


@pytest.fixture(scope="module")
def service() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.workflow("acme-lyrics")(lyrics)
        sandbox.workflow("acme-large")(large)
        sandbox.workflow("acme-inward")(inward)
        yield sandbox


def studio_in(folder: Path, service: Sandbox) -> Studio:
    root = folder / "music"
    root.mkdir()
    shutil.copy(SONGS / "band0.ogg", root / "song.ogg")
    return Studio(service, root, folder / "state")


@pytest.fixture
def studio(service: Sandbox, tmp_path: Path) -> Studio:
    """The settings of a server for one test."""
    return studio_in(tmp_path, service)


@pytest.fixture(scope="module")
def shared(service: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with agent(studio_in(tmp_path_factory.mktemp("shared"), service)) as ask:
        yield ask


@pytest.fixture
def ask(shared: Agent) -> Iterator[Agent]:
    """An agent whose server is shared between tests."""
    shared.studio.sandbox.faults.clear()
    yield shared
    shared.studio.sandbox.faults.clear()
