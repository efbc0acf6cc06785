"""The surface of the published 1.0 package, in both colours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk import AsyncMusicAiClient, Filters, Job, MusicAiClient
from musicai_sdk.errors import JobFailedError
from musicai_sdk.sandbox import Sandbox


def test_the_published_quick_start(
    sandbox: Sandbox,
    song: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.mp3").write_bytes(song.read_bytes())

    # Verbatim, apart from the key.
    music_ai = MusicAiClient(api_key=sandbox.api_key)

    song_url = music_ai.upload_file("./song.mp3")

    job_id = music_ai.add_job(
        "My first job",
        "music-ai/generate-chords",
        {
            "inputUrl": song_url,
        },
    )["id"]

    job = music_ai.wait_for_job_completion(job_id)

    if job["status"] == "SUCCEEDED":
        files = music_ai.download_job_results(job, "./chords")
        print("Result:", files)
    else:
        print("Job failed!")

    music_ai.delete_job(job_id)

    music_ai.close()
    assert capsys.readouterr().out == "Result: ['chords/chords.json']\n"
    assert json.loads(Path("chords/workflow.results.json").read_text()) == {"chords": "./chords.json"}
    assert sandbox.jobs == []


def test_its_asynchronous_twin(
    sandbox: Sandbox, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)

    async def main() -> list[str]:
        async with AsyncMusicAiClient(api_key=sandbox.api_key) as music_ai:
            song_url = await music_ai.upload_file(song)
            job_id = (
                await music_ai.add_job("My first job", "music-ai/generate-chords", {"inputUrl": song_url})
            )["id"]
            job = await music_ai.wait_for_job_completion(job_id)
            assert job["status"] == "SUCCEEDED"
            files = await music_ai.download_job_results(job, tmp_path)
            await music_ai.delete_job(job_id)
            return files

    assert asyncio.run(main()) == [str(tmp_path / "chords.json")]


def test_positional_settings(connect: Connect, sandbox: Sandbox) -> None:
    client = MusicAiClient(sandbox.api_key, 1, False, "mine/1.0", 5, base_url=sandbox.base_url)
    with client:
        client.get_application_info()
    assert sandbox.requests[-1].headers["user-agent"] == "mine/1.0"
    connect(
        job_monitor_interval=0.5, save_output_to_folder=True, user_agent=None, timeout=None
    ).get_application_info()
    assert sandbox.requests[-1].headers["user-agent"].startswith("Music.AI/SDK-Python/2.0.0 (")


def test_base_url_can_be_set(client: MusicAiClient, sandbox: Sandbox) -> None:
    good = client.base_url
    client.base_url = "http://127.0.0.1:9/v1"
    assert client.base_url == "http://127.0.0.1:9/v1"
    client.base_url = good.replace("/v1", "/api/")
    client.get_application_info()
    assert sandbox.requests[-1].path == "/api/application"


@pytest.fixture
def six_jobs(client: MusicAiClient) -> list[str]:
    """Three of one workflow that succeed, two that fail, one of another."""
    good, bad = client.upload_file(__file__), "http://127.0.0.1:9/none"
    ids = [client.add_job(f"good {n}", "sdk-test", {"file": good}, metadata={"n": n}) for n in range(3)]
    ids += [client.add_job("bad", "sdk-test", {"file": bad}) for _ in range(2)]
    ids.append(client.add_job("other", "music-ai/generate-chords", {"inputUrl": bad}))
    client.jobs.wait_all(ids)
    return [str(job_id) for job_id in ids]


def test_list_jobs_sends_every_value_of_a_filter(
    client: MusicAiClient, sandbox: Sandbox, six_jobs: list[str]
) -> None:
    filters = {"status": ["SUCCEEDED", "FAILED"], "workflow": ["sdk-test", "music-ai/generate-chords"]}
    assert {job["id"] for job in client.list_jobs(filters=filters)} == set(six_jobs)
    query = sandbox.requests[-1].query
    for part in (
        "status=SUCCEEDED",
        "status=FAILED",
        "workflow=sdk-test",
        "workflow=music-ai%2Fgenerate-chords",
    ):
        assert part in query
    assert len(client.list_jobs()) == 6
    assert len(client.list_jobs({"status": ["FAILED"], "workflow": ["sdk-test"]})) == 2
    assert len(client.list_jobs(Filters(status=["FAILED"]))) == 3
    assert len(client.list_jobs({"status": "FAILED"})) == 3
    assert client.list_jobs({"workflow": ["nothing"]}) == []
    assert client.list_jobs({"batchName": "none"}) == []


def test_list_jobs_returns_every_page(client: MusicAiClient, sandbox: Sandbox, six_jobs: list[str]) -> None:
    before = len(sandbox.requests)
    assert [job.id for job in client.jobs.list(page_size=4)] == six_jobs[::-1]
    assert len(sandbox.requests) - before == 3  # the last one is empty
    before = len(sandbox.requests)
    assert len(list(client.jobs.list(page_size=6))) == 6
    assert len(sandbox.requests) - before == 2  # the last one is empty


def test_status_metadata_and_failed_downloads(
    client: MusicAiClient, six_jobs: list[str], tmp_path: Path
) -> None:
    state = client.get_job_status(six_jobs[0])
    assert (state["id"], state["status"]) == (six_jobs[0], "SUCCEEDED")
    assert client.get_job(six_jobs[1])["metadata"] == {"n": 1}
    with pytest.raises(JobFailedError):
        client.download_job_results(six_jobs[3], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_results_from_an_id_a_job_or_a_dictionary(
    client: MusicAiClient, connect: Connect, six_jobs: list[str], tmp_path: Path
) -> None:
    job = client.get_job(six_jobs[0])
    saved: dict[str, Any] = json.loads(json.dumps(dict(job)))
    forms: list[str | Job[Any] | dict[str, Any]] = [six_jobs[0], job, saved]
    for number, form in enumerate(forms):
        paths = client.download_job_results(form, tmp_path / str(number), manifest="workflow.result.json")
        assert [Path(path).read_bytes() for path in paths] == [Path(__file__).read_bytes()]
        assert (tmp_path / str(number) / "workflow.result.json").exists()
    by_url = connect(save_output_to_folder=False).download_job_results(job, tmp_path / "by url")
    assert len(by_url) == 1
    url = job["result"]["file"]
    client.download_file(url, tmp_path / "deep" / "file")
    assert (tmp_path / "deep" / "file").read_bytes() == Path(__file__).read_bytes()


def test_workflows_and_application(client: MusicAiClient) -> None:
    listed = client.list_workflows()
    assert "sdk-test" in [workflow["slug"] for workflow in listed["workflows"]]
    assert [workflow.slug for workflow in client.workflows.list()] == [w.slug for w in listed.workflows]
    assert client.get_application_info()["name"] == client.application.get().name == "Default Application"


def test_timeouts_under_their_old_name(client: MusicAiClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET /job/{id}", delay=0.5)
    with pytest.raises(TimeoutError):
        client.get_job("j", timeout=0.1, max_retries=0)


def test_misspelt_options(client: MusicAiClient) -> None:
    with pytest.raises(TypeError, match="metadat"):
        client.add_job("name", "sdk-test", {}, metadat={"a": 1})  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="request_timout"):
        client.get_job("j", request_timout=3)  # type: ignore[call-arg]
