"""Every tool, called by the official client over standard input and output, on the sandbox."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from support.agents import Agent, Studio, agent

CHORDS = "music-ai/chords-and-beat-mapping"


async def finished(ask: Agent, workflow: str, source: str, **arguments: object) -> str:
    job = await ask("process", workflow=workflow, input=source, **arguments)
    assert job["status"] in {"QUEUED", "STARTED", "SUCCEEDED"}
    job_id: str = job["job_id"]
    job = await ask("get_job", job_id=job_id, wait_seconds=50)
    assert job["status"] == "SUCCEEDED"
    return job_id


def test_a_song_from_end_to_end(studio: Studio) -> None:
    async def talk() -> None:
        async with agent(studio) as ask:
            slugs = {each["slug"]: each for each in (await ask("list_workflows"))["workflows"]}
            assert slugs[CHORDS]["inputs"] == ["inputUrl"]
            assert slugs["music-ai/stem-separation-suite"]["origin"] == "template"
            assert slugs["sdk-test"] == {**slugs["sdk-test"], "origin": "account"}

            job_id = await finished(ask, CHORDS, "song.ogg")
            job = await ask("get_job", job_id=job_id)
            assert job["finished"]
            assert job["workflow"] == CHORDS
            assert job["name"] == "song"
            assert {each["name"]: each["kind"] for each in job["outputs"]} == {
                "chords": "json",
                "beats": "json",
                "key": "value",
                "bpm": "value",
            }

            chords = await ask("read_chords", job_id=job_id)
            assert chords["total"] == len(chords["chords"]) > 5
            assert chords["chords"][0] == {**chords["chords"][0], "start": 0.0, "chord": "D:min", "label": "Dm"}
            second = await ask("read_chords", job_id=job_id, output="Chords", offset=1, limit=1)
            assert second["chords"] == chords["chords"][1:2]
            assert second["next_offset"] == 2

            beats = (await ask("read_beats", job_id=job_id))["beats"]
            assert beats[0].keys() == {"time", "beat"}
            whole = await ask("read_output", job_id=job_id, output="chords", limit=1)
            assert "chord_complex_jazz" in whole["content"][0]
            assert (await ask("read_output", job_id=job_id, output="key"))["content"] == "F major"

            done = await ask("download_results", job_id=job_id)
            assert done["folder"] == str(studio.root / job_id)
            assert {Path(each["path"]).name for each in done["files"]} == {"chords.json", "beats.json"}
            assert json.loads(Path(done["files"][0]["path"]).read_text())
            again = await ask("download_results", job_id=job_id, folder="some/where")
            assert (studio.root / "some" / "where" / job_id / "workflow.results.json").exists()
            assert again["status"] == "DONE"
            assert studio.sandbox.api_key not in "".join(
                path.read_text(errors="replace") for path in studio.root.rglob("*.json")
            )

            limits = await ask("get_limits")
            assert limits == {
                "max_jobs": 1000,
                "jobs_created": 1,
                "jobs_left": 999,
                "roots": [str(studio.root)],
            }

    asyncio.run(talk())


def test_lyrics_and_outputs_of_all_kinds(studio: Studio) -> None:
    async def talk() -> None:
        async with agent(studio) as ask:
            job_id = await finished(ask, "acme-lyrics", "song.ogg")
            job = await ask("get_job", job_id=job_id)
            kinds = {each["name"]: each["kind"] for each in job["outputs"]}
            assert kinds == {"Transcription": "json", "cover": "file", "tempo": "value", "more": "value"}
            lines = (await ask("read_lyrics", job_id=job_id))["lines"]
            assert lines == [{"text": "Hello world", "start": 0.5, "end": 1.5}, {"text": "again"}]
            lines = (await ask("read_lyrics", job_id=job_id, words=True))["lines"]
            assert lines[0]["words"] == [{"word": "Hello", "start": 0.5, "end": 0.9}, {"word": "world"}]
            # Its content has a signed URL, which the agent is shown without its query.
            whole = await ask("read_output", job_id=job_id, output="transcription")
            assert whole["content"][1]["cover"] == "https://storage.example/cover.png?…"

    asyncio.run(talk())


def test_a_url_is_processed_once_whatever_its_signature(studio: Studio) -> None:
    """Uploads of the same object have one URL under many signatures."""
    with studio.sandbox.client() as client:
        url = client.files.upload(studio.root / "song.ogg").url
    studio.sandbox.clock.advance(1)
    signature = "Expires=1&Serial=2&Signature=3"
    other = f"{url.partition('?')[0]}?{signature}"

    async def talk() -> None:
        async with agent(studio) as ask:
            first = await ask("process", workflow="sdk-test", input=url, input_name="file")
            second = await ask("process", workflow="sdk-test", input=other, input_name="file")
            assert (second["job_id"], second["repeated"]) == (first["job_id"], True)

    asyncio.run(talk())
    assert studio.posts() == 1


def test_a_failed_job_says_why_and_is_not_paid_for_again(studio: Studio) -> None:
    studio.sandbox.faults.add("POST /job", job_error="BAD_INPUT", nth=1)

    async def talk() -> None:
        async with agent(studio) as ask:
            job = await ask.echo("song.ogg")
            job = await ask("get_job", job_id=job["job_id"], wait_seconds=50)
            assert job["failure"]["code"] == "BAD_INPUT"
            for tool in ("read_chords", "download_results"):
                assert (await ask.refused(tool, job_id=job["job_id"]))["code"] == "job_failed"
            again = await ask.echo("song.ogg")
            assert (again["job_id"], again["status"], again["repeated"]) == (job["job_id"], "FAILED", True)

    asyncio.run(talk())
    assert studio.posts() == 1


def test_a_job_that_runs_is_followed(studio: Studio) -> None:
    studio.sandbox.faults.add("POST /job", job_seconds=1000, nth=1)

    async def talk() -> None:
        async with agent(studio) as ask:
            job_id = (await ask.echo("song.ogg"))["job_id"]
            job = await ask("get_job", job_id=job_id, wait_seconds=0.3)
            assert not job["finished"]
            error = await ask.refused("read_chords", job_id=job_id)
            assert (error["code"], error["retryable"]) == ("job_not_finished", True)
            studio.sandbox.clock.advance(1001)
            assert (await ask("get_job", job_id=job_id, wait_seconds=50))["status"] == "SUCCEEDED"

    asyncio.run(talk())


def test_a_long_upload_returns_at_once_and_a_repeat_waits_for_it(studio: Studio) -> None:
    studio.options = ("--patience", "0.2")
    studio.sandbox.faults.add("GET /upload", delay=1.5, nth=1)

    async def talk() -> None:
        async with agent(studio) as ask:
            job = await ask.echo("song.ogg")
            assert job["status"] == "CREATING"
            assert "job_id" not in job
            while job["status"] == "CREATING":
                job = await ask.echo("song.ogg")
            assert job["job_id"]

    asyncio.run(talk())
    assert studio.posts() == 1


@pytest.mark.parametrize("renamed", [True, False])
def test_the_same_content_is_the_same_request(studio: Studio, renamed: bool) -> None:  # noqa: FBT001
    """Under another name too; another content, workflow or parameter makes another one."""

    async def talk() -> None:
        async with agent(studio) as ask:
            first = await ask.echo("song.ogg")
            if renamed:
                shutil.move(studio.root / "song.ogg", studio.root / "other.flac")
                assert (await ask.echo("other.flac"))["job_id"] == first["job_id"]
                return
            request = {"workflow": "sdk-test", "input": "song.ogg", "input_name": "file"}
            others = [
                await ask("process", **request, params={"x": 1}),
                await ask("process", **request, params={"x": 2}),
                await ask("process", workflow="acme-lyrics", input="song.ogg"),
                await ask.echo(studio.file("new.wav")),
            ]
            assert len({first["job_id"], *(each["job_id"] for each in others)}) == 5
            same = await ask("process", **request, params={"x": 2})
            assert same["job_id"] == others[1]["job_id"]

    asyncio.run(talk())
