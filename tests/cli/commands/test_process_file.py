"""`musicai process file` replaces no results, and deletes no job with missing results."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.test_app import Musicai
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine.task import Output, Task
from support.job_service import Job, JobService, serving
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


@pytest.fixture
def service(musicai: Musicai) -> Iterator[JobService]:
    """A service whose jobs the test ends."""
    with serving(JobService()) as service:
        musicai.environment["MUSIC_AI_BASE_URL"] = service.base_url
        service.result = lambda job: {"bpm": "120", "vocals": service.file_url(job, "v.wav")}
        yield service


URL = ("process", "file", "sdk-test", "https://songs/1.wav", "new/out")


def started(musicai: Musicai, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "error", "-m", "musicai_sdk.cli", *arguments]
    return subprocess.Popen(
        command, env=musicai.environment, cwd=musicai.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def names(musicai: Musicai) -> list[str]:
    return sorted(path.name for path in (musicai.folder / "new" / "out").iterdir())


@pytest.mark.parametrize("options", [(), ("--overwrite",)], ids=" ".join)
def test_two_commands_never_share_a_folder(
    musicai: Musicai, service: JobService, options: tuple[str, ...]
) -> None:
    service.status = "STARTED"
    with started(musicai, *URL) as first:
        service.await_request("GET /v1/job/")
        musicai(*URL, *options, code=2)
        assert "another `musicai process file` is writing to 'new/out'" in musicai.stderr
        service.jobs[0]["status"] = "SUCCEEDED"
        assert first.wait() == 0
    assert len(service.posts) == len(service.deleted) == 1
    assert names(musicai) == ["vocals.wav", "workflow.results.json"]


def test_a_killed_command_leaves_a_folder_that_can_be_used(musicai: Musicai, service: JobService) -> None:
    service.status = "STARTED"
    with started(musicai, *URL) as first:
        service.await_request("GET /v1/job/")
        first.kill()
    service.status = "SUCCEEDED"
    musicai(*URL)
    assert names(musicai) == ["vocals.wav", "workflow.results.json"]


def test_a_failed_job_leaves_no_folder(musicai: Musicai, service: JobService) -> None:
    service.status = "FAILED"
    musicai(*URL, code=1)
    assert not (musicai.folder / "new").exists()


def test_an_output_that_comes_late(musicai: Musicai, service: JobService) -> None:
    asked = list[Job]()

    def fetched(job: Job) -> Job:
        asked.append(job)
        return {**job, "result": {**job["result"], "vocals": None}} if len(asked) < 3 else job

    service.fetched = fetched
    musicai(*URL)
    assert names(musicai) == ["vocals.wav", "workflow.results.json"]
    assert len(service.deleted) == 1


@pytest.mark.parametrize(("options", "code"), [((), 1), (("--keep-jobs",), 0)], ids=["delete", "keep"])
def test_an_output_that_never_comes(
    musicai: Musicai, service: JobService, options: tuple[str, ...], code: int
) -> None:
    service.result = lambda job: {"bpm": "120", "vocals": None, "drums": service.file_url(job, "d.wav")}
    musicai(*URL, *options, code=code)
    assert (
        "the outputs 'vocals' have no value; the other results are in 'new/out'" in musicai.stderr
    ) == bool(code)
    assert (len(service.jobs), service.deleted) == (1, [])
    assert names(musicai) == ["drums.wav", "workflow.results.json"]
