"""`musicai process file` replaces no results, and deletes no job with missing results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.test_app import Musicai
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from support.storage import PAGE, WAV, storage

FILE = ("process", "file", "sdk-test", "song.wav", "out", "--input-name", "file")


@pytest.fixture
def musicai(sandbox: Sandbox, tmp_path: Path) -> Musicai:
    (tmp_path / "song.wav").write_bytes(b"RIFF of a kind")
    return Musicai(sandbox, tmp_path)


def posts(sandbox: Sandbox) -> int:
    return sum(entry.method == "POST" for entry in sandbox.requests)


def test_results_of_another_song_are_not_replaced(musicai: Musicai, sandbox: Sandbox) -> None:
    musicai(*FILE)
    (musicai.folder / "song.wav").write_bytes(b"RIFF of another")
    before = len(sandbox.requests)
    musicai(*FILE, code=2)
    assert "'out' already holds results (file.wav, workflow.results.json)" in musicai.stderr
    assert "--overwrite" in musicai.stderr
    assert len(sandbox.requests) == before
    assert (musicai.folder / "out" / "file.wav").read_bytes() == b"RIFF of a kind"
    musicai(*FILE, "--overwrite")
    assert (musicai.folder / "out" / "file.wav").read_bytes() == b"RIFF of another"
    assert sandbox.jobs == []


def test_an_unreadable_manifest_is_not_replaced(musicai: Musicai, sandbox: Sandbox) -> None:
    (musicai.folder / "out").mkdir()
    (musicai.folder / "out" / "workflow.results.json").write_bytes(b"\xff[")
    musicai(*FILE, code=2)
    assert "(workflow.results.json)" in musicai.stderr
    assert posts(sandbox) == 0


def test_another_file_is_not_replaced(musicai: Musicai, sandbox: Sandbox) -> None:
    (musicai.folder / "out").mkdir()
    (musicai.folder / "out" / "File.wav").write_bytes(b"mine")
    musicai(*FILE, code=1)
    assert "'out' already holds file.wav" in musicai.stderr
    assert len(sandbox.jobs) == 1
    assert f"musicai job download {sandbox.jobs[0]['id']} FOLDER" in musicai.stderr
    assert (musicai.folder / "out" / "File.wav").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({}, "returns no result"),
        ({"a": None, "b": ""}, "returns no result"),
        ({"file": "page.wav"}, "web page"),
        ({"text": "empty.txt"}, "'text' are empty"),
        ({"file": "[custom storage]"}, "your own storage"),
        ({"deep": [{"file": "s3://bucket/a.wav"}]}, "deep.0.file"),
    ],
)
def test_a_job_with_incomplete_results_is_kept(
    musicai: Musicai, sandbox: Sandbox, result: dict[str, Any], words: str
) -> None:
    with storage() as held:
        text = json.dumps(result)
        for name, body in (("page.wav", PAGE), ("empty.txt", b"")):
            text = text.replace(f'"{name}"', f'"{held.put(name, body)}"')

        @sandbox.workflow("odd-file")
        def give(task: Task) -> Mapping[str, Output]:
            given: dict[str, Output] = json.loads(text)
            return given

        musicai("process", "file", "odd-file", "song.wav", "out", code=1)
    (job,) = sandbox.jobs
    assert words in musicai.stderr
    assert f"musicai job download {job['id']} out" in musicai.stderr
    assert (
        not (musicai.folder / "out" / "workflow.results.json").exists()
        or "empty" in words
        or "storage" in words
    )


def test_a_job_with_a_null_result_is_kept(musicai: Musicai, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST /job", job_vanish="result")
    musicai(*FILE, code=1)
    assert "returns no result" in musicai.stderr
    assert len(sandbox.jobs) == 1


def test_nested_results_are_downloaded(musicai: Musicai, sandbox: Sandbox) -> None:
    with storage() as held:
        url = held.put("a.wav")

        @sandbox.workflow("nested-file")
        def give(task: Task) -> Mapping[str, Output]:
            return {"stems": [{"url": url}]}

        musicai("process", "file", "nested-file", "song.wav", "out")
    assert (musicai.folder / "out" / "stems.0.url.wav").read_bytes() == WAV
    assert sandbox.jobs == []


@pytest.mark.parametrize(
    "address", ["https://", "https:///a.wav", "HTTP://", " s3://b/k.wav", "ftp://h/a.wav"]
)
def test_invalid_urls(musicai: Musicai, sandbox: Sandbox, address: str) -> None:
    musicai("process", "file", "sdk-test", address, "out", code=2)
    assert sandbox.requests == []
