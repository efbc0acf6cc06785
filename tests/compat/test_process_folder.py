"""Programs for 0.x: `create_job`, `get_jobs`, `process_folder`. The published 1.0 has none of them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import musicai_sdk.compat
from musicai_sdk.compat import MusicAiClient, process_folder
from musicai_sdk.compat.process_folder import process_file
from musicai_sdk.compat.process_folder import process_folder as same_function
from musicai_sdk.errors import InputError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.engine import Output, Task

SLUG = "acme/split"


@pytest.fixture(scope="module")
def service() -> Iterator[Sandbox]:
    """With a workflow that takes `inputUrl` and fails for an input that says so."""
    with Sandbox(plan="professional") as sandbox:

        @sandbox.workflow(SLUG)
        def split(task: Task) -> dict[str, Output]:
            song = task.fetch("inputUrl")
            if b"broken" in song.read_bytes():
                raise ValueError("can't be split")
            copy = task.folder / "copy.txt"
            copy.write_bytes(song.read_bytes())
            return {"vocals/lead": copy, "bpm": "120"}

        assert callable(split)
        yield sandbox


@pytest.fixture
def old(service: Sandbox) -> Iterator[MusicAiClient]:
    with MusicAiClient(service.api_key, 0.05, base_url=service.base_url) as client:
        yield client
        for job in client.get_jobs():
            client.delete_job(job["id"])


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for name in ("a.mp3", "A.wav", "b.c.mp3", ".hidden.mp3"):
        (folder / name).write_text(f"the song {name}")
    (folder / "folder.mp3").mkdir()
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_jobs(old: MusicAiClient, songs: Path) -> None:
    url = old.upload_file(file_path=str(songs / "a.mp3"))
    created = old.create_job(job_name="first", workflow_id=SLUG, params={"inputUrl": url})
    assert type(created) is dict
    assert list(created) == ["id"]
    assert [job["name"] for job in old.get_jobs()] == ["first"]
    job = old.wait_for_job_completion(created["id"])
    assert (job["name"], job["workflow"], job["result"]["bpm"]) == ("first", SLUG, "120")
    old.delete_job(job_id=created["id"])
    assert old.get_jobs() == []


def test_a_folder(old: MusicAiClient, songs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "musicai_sdk.compat")
    out = tmp_path / "out"
    process_folder(
        input_folder=str(songs),
        output_folder=str(out),
        workflow_id=SLUG,
        client=old,
        parallelism=2,
        delete=True,
    )
    names = ("vocals_lead.txt", "workflow.result.json")
    # `A` and `a` are one folder on some systems.
    assert files(out) == sorted(f"{folder}/{name}" for folder in ("A", "a.mp3", "b.c") for name in names)
    assert (out / "a.mp3" / "vocals_lead.txt").read_text() == "the song a.mp3"
    assert json.loads((out / "A" / "workflow.result.json").read_text())["bpm"] == "120"
    assert old.get_jobs() == []
    assert sum("created" in record.message for record in caplog.records) == 3


def test_files_that_fail(
    old: MusicAiClient, songs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The other files are processed, their jobs are kept, and `failed.json` lists them."""
    (songs / "a.mp3").write_text("broken")
    (songs / "A.wav").write_text("")  # nothing to upload
    out = tmp_path / "out"
    process_folder(songs, out, SLUG, 1, True, old)
    assert files(out) == ["b.c/vocals_lead.txt", "b.c/workflow.result.json", "failed.json"]
    assert (out / "failed.json").read_text().splitlines() == [str(songs / "A.wav"), str(songs / "a.mp3")]
    [kept] = old.get_jobs()
    assert (kept["name"], kept["status"]) == ("a.mp3", "FAILED")
    assert f"job {kept['id']} is kept" in caplog.text


def test_jobs_are_kept_on_request(old: MusicAiClient, service: Sandbox, songs: Path, tmp_path: Path) -> None:
    process_file(old, str(songs / "a.mp3"), str(tmp_path / "one"), SLUG, delete=False)
    assert files(tmp_path / "one") == ["a/vocals_lead.txt", "a/workflow.result.json"]
    assert [job["status"] for job in old.get_jobs()] == ["SUCCEEDED"]
    refused = service.faults.add("DELETE *", status=403)
    process_file(old, songs / "b.c.mp3", tmp_path / "two", SLUG, True, tmp_path / "failed.json")
    service.faults.remove(refused.id)
    assert files(tmp_path / "two") == ["b.c/vocals_lead.txt", "b.c/workflow.result.json"]
    assert not (tmp_path / "failed.json").exists()
    assert len(old.get_jobs()) == 2


def test_the_client_of_the_environment(
    old: MusicAiClient, service: Sandbox, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSIC_AI_API_KEY", service.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", service.base_url)
    process_folder(songs, tmp_path / "out", SLUG)
    assert len(files(tmp_path / "out")) == 6


def test_wrong_arguments(old: MusicAiClient, service: Sandbox, songs: Path, tmp_path: Path) -> None:
    sent = len(service.requests)
    with pytest.raises(InputError, match="there is no folder"):
        process_folder(tmp_path / "missing", tmp_path / "out", SLUG, client=old)
    for wrong in (0, True, "5"):
        with pytest.raises(InputError, match="parallelism must be a whole number"):
            process_folder(songs, tmp_path / "out", SLUG, wrong, client=old)  # type: ignore[arg-type]
    assert len(service.requests) == sent
    assert not os.path.lexists(tmp_path / "out")


def test_the_layout_of_0_4() -> None:
    assert musicai_sdk.compat.process_folder is process_folder is same_function
