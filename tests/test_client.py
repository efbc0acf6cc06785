"""The main use of the client, end to end, on a song."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from musicai_sdk import CUSTOM_STORAGE, CustomWorkflow, MusicAiClient
from musicai_sdk.errors import NotFoundError
from musicai_sdk.models import JobState
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords, IsolateDrums


def test_run_read_download_delete(client: MusicAiClient, song: Path, tmp_path: Path) -> None:
    states = list[JobState]()
    job = client.jobs.run(
        GenerateChords(input_url=song), name="band", metadata={"album": 3}, on_update=states.append
    )
    assert job.status == "SUCCEEDED"
    assert states[-1].status == "SUCCEEDED"
    assert (job.name, job.metadata, job["metadata"]) == ("band", {"album": 3}, {"album": 3})
    assert job.created_at is not None
    assert job["createdAt"].endswith("Z")

    chords = client.files.read(job.result.chords)
    assert chords[0].chord_majmin == "D:min"
    assert chords[0].chord_basic_pop == "Dm"

    files = client.jobs.download(job, tmp_path / "out")
    assert files["chords"] == tmp_path / "out" / "chords.json"
    assert json.loads(files["chords"].read_text())[0]["chord_majmin"] == "D:min"
    assert json.loads(files.manifest.read_text()) == {"chords": "./chords.json"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "chords.json",
        "workflow.results.json",
    ]

    client.jobs.delete(job)
    with pytest.raises(NotFoundError):
        client.jobs.get(job.id)


def test_create_wait_and_find(client: MusicAiClient, song: Path) -> None:
    created = client.jobs.create(IsolateDrums(input_url=song), idempotency_key="drums-1")
    job = client.jobs.wait(created)
    assert job.result.kick_drum.split("?")[0].endswith("--Kick%20drum.wav")
    again = client.jobs.get(created.id, IsolateDrums).result  # with newly signed URLs
    assert again.kick_drum.split("?")[0] == job.result.kick_drum.split("?")[0]
    found = client.jobs.find("drums-1")
    assert found is not None
    assert found.id == created.id
    assert client.jobs.find("drums-2") is None


def test_wait_all_keeps_the_order_and_grows_with_pages(client: MusicAiClient, sandbox: Sandbox) -> None:
    uploaded = client.files.upload(b"any bytes")
    jobs = [
        client.jobs.create(CustomWorkflow("sdk-test", {"file": uploaded}), name=str(n)) for n in range(12)
    ]
    before = len(sandbox.requests)
    done = client.jobs.wait_all(jobs)
    assert [job.name for job in done] == [str(n) for n in range(12)]
    polls = [entry for entry in sandbox.requests[before:] if entry.path.startswith("/v1/job")]
    assert len(polls) < len(jobs)


def test_custom_storage(client: MusicAiClient, sandbox: Sandbox, song: Path, tmp_path: Path) -> None:
    # An upload slot serves as the user's own storage: anything that takes a PUT does.
    slot = httpx.get(f"{sandbox.base_url}/upload", headers={"Authorization": sandbox.api_key}).json()
    job = client.jobs.run(IsolateDrums(input_url=song), copy_results_to={"Kick drum": slot["uploadUrl"]})
    assert job.result.kick_drum is CUSTOM_STORAGE
    assert job["result"]["Kick drum"] == "[custom storage]"
    files = client.jobs.download(job, tmp_path)
    assert sorted(files) == ["Other", "Snare drum"]
    assert json.loads(files.manifest.read_text())["Kick drum"] == "[custom storage]"
    client.files.download(slot["downloadUrl"], tmp_path / "kick.wav")
    assert (tmp_path / "kick.wav").read_bytes()[:4] == b"RIFF"
