"""A sandbox with workflows for agents, and a folder with songs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import SONGS
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from support.agents import Studio

SIGNED = "https://storage.example/cover.png?X-Goog-Signature=secret&Expires=1"


def lyrics(task: Task) -> dict[str, Output]:
    """Lyrics, and values of other kinds."""
    words = [{"word": "Hello", "start": 0.5, "end": 0.9}, {"word": "world"}]
    lines = [
        {"start": 0.5, "end": 1.5, "text": "Hello world", "words": words},
        {"text": "again", "cover": SIGNED},
    ]
    path = task.folder / "transcript.json"
    path.write_text(json.dumps(lines))
    return {"Transcription": path, "cover": SIGNED, "tempo": 120.5, "more": {"url": SIGNED}}


@pytest.fixture(scope="module")
def service() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.workflow("acme-lyrics")(lyrics)
        yield sandbox


@pytest.fixture
def studio(service: Sandbox, tmp_path: Path) -> Iterator[Studio]:
    root = tmp_path / "music"
    root.mkdir()
    shutil.copy(SONGS / "band0.ogg", root / "song.ogg")
    yield Studio(service, root, tmp_path / "state")
    service.reset()
