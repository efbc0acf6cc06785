"""What an agent is refused: each with a code, and what to do next; nothing is sent, and nothing paid."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from musicai_sdk.errors import ConfigurationError, InputError
from musicai_sdk.mcp.errors import ToolError
from musicai_sdk.mcp.roots import Roots, copy_beneath
from musicai_sdk.mcp.state import State
from support.agents import Studio, agent


def test_paths_that_lead_outside(studio: Studio) -> None:
    outside = studio.root.parent / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"RIFF secret")
    (studio.root / "link.wav").symlink_to(outside / "secret.wav")
    (studio.root / "folder").symlink_to(outside)
    (studio.root / "loop.wav").symlink_to(studio.root / "loop.wav")
    studio.state = studio.root / ".state"  # inside the root, and out of bounds all the same

    async def talk() -> None:
        async with agent(studio) as ask:
            for path in (
                "../outside/secret.wav",
                str(outside / "secret.wav"),
                "link.wav",
                "folder/secret.wav",
                "x/../../outside/secret.wav",
                f"{studio.root}-other/song.wav",
                ".state/x.wav",
                "/dev/zero",
            ):
                error = await ask.refused("process", workflow="sdk-test", input=path, input_name="file")
                assert error["code"] == "outside_root", path
                assert "secret" not in error["message"].replace(path, "")
            loop = await ask.refused("process", workflow="sdk-test", input="loop.wav", input_name="file")
            assert loop["code"] in {"outside_root", "bad_input", "no_such_file"}

            job_id = (await ask.echo("song.ogg"))["job_id"]
            await ask("get_job", job_id=job_id, wait_seconds=50)
            for folder in ("..", "/", str(outside), "folder", "folder/deeper", ".state", "~root/../../.."):
                error = await ask.refused("download_results", job_id=job_id, folder=folder)
                assert error["code"] == "outside_root", folder
            # A link that waits in the job's own folder.
            (studio.root / job_id).mkdir()
            (studio.root / job_id / "file.ogg").symlink_to(outside / "secret.wav")
            assert (await ask.refused("download_results", job_id=job_id))["code"] == "outside_root"
            assert (await ask("download_results", job_id=job_id, folder="ok"))["status"] == "DONE"
            (studio.root / "taken").write_text("x")
            assert (await ask.refused("download_results", job_id=job_id, folder="taken"))["code"] == "bad_input"

    asyncio.run(talk())
    assert list(outside.iterdir()) == [outside / "secret.wav"]
    assert (outside / "secret.wav").read_bytes() == b"RIFF secret"
    assert studio.posts() == 1


def test_a_folder_that_became_a_link_after_it_was_checked(tmp_path: Path) -> None:
    (tmp_path / "root" / "in").mkdir(parents=True)
    (tmp_path / "root" / "in" / "a.wav").write_bytes(b"mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.wav").write_bytes(b"secret")
    root, way = Roots([tmp_path / "root"], tmp_path / "state").source("in/a.wav")
    copy_beneath(root, way, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"mine"
    (tmp_path / "root" / "in").rename(tmp_path / "root" / "was")
    (tmp_path / "root" / "in").symlink_to(tmp_path / "out")
    with pytest.raises(ToolError) as caught:
        copy_beneath(root, way, tmp_path / "other")
    assert caught.value.code in {"outside_root", "bad_input"}
    assert not (tmp_path / "other").exists()


def test_inputs_and_arguments_that_can_not_be_right(studio: Studio) -> None:
    (studio.root / "empty.wav").touch()
    (studio.root / "folder.wav").mkdir()
    os.mkfifo(studio.root / "pipe.wav")
    (studio.root / "notes.txt").write_text("x")

    async def talk() -> None:
        async with agent(studio) as ask:
            cases = {
                "missing.wav": "no_such_file",
                "empty.wav": "bad_input",
                "folder.wav": "bad_input",
                "pipe.wav": "bad_input",
                "notes.txt": "not_media",
                "": "bad_arguments",
                "a\0b.wav": "bad_input",
                "s3://bucket/song.wav": "bad_input",
                "file:///etc/passwd": "bad_input",
                "https://": "bad_input",
                f"{'x' * 5000}.wav": "bad_input",
            }
            for source, code in cases.items():
                error = await ask.refused("process", workflow="sdk-test", input=source, input_name="file")
                assert error["code"] == code, (source, error)
            song = {"input": "song.ogg"}
            for arguments in (
                {**song},
                {**song, "workflow": ""},
                {**song, "workflow": 3},
                {**song, "workflow": "sdk-test", "idempotency_key": "new"},
                {**song, "workflow": "sdk-test", "params": [1]},
            ):
                assert (await ask.refused("process", **arguments))["code"] == "bad_arguments", arguments
            twice = {**song, "workflow": "sdk-test", "params": {"inputUrl": "https://x.example/a.wav"}}
            assert (await ask.refused("process", **twice))["code"] == "bad_input"
            signed = {**song, "workflow": "sdk-test", "params": {"url": "gs://b/k?Signature=1"}}
            assert (await ask.refused("process", **signed))["code"] == "bad_input"
            assert (await ask.refused("get_job", job_id="x", wait_seconds=51))["code"] == "bad_arguments"
            for job_id in ("nothing", "../application", "%2e%2e", "a b"):
                assert (await ask.refused("get_job", job_id=job_id))["code"] in {"not_found", "bad_input"}
            assert (await ask.refused("read_stems", job_id="x"))["code"] == "unknown_tool"
            assert (await ask("get_limits"))["jobs_created"] == 0

    asyncio.run(talk())
    assert studio.posts() == 0


def test_outputs_that_are_not_there(studio: Studio) -> None:
    async def talk() -> None:
        async with agent(studio) as ask:
            job_id = (await ask("process", workflow="acme-lyrics", input="song.ogg"))["job_id"]
            await ask("get_job", job_id=job_id, wait_seconds=50)
            error = await ask.refused("read_chords", job_id=job_id)
            assert error["code"] == "no_such_output"
            assert "'Transcription'" in error["message"]
            for tool in ("read_chords", "read_output"):
                assert (await ask.refused(tool, job_id=job_id, output="no"))["code"] == "no_such_output"
            assert (await ask.refused("read_beats", job_id=job_id, output="tempo"))["code"] == "no_such_output"
            # Lyrics are no chords.
            error = await ask.refused("read_chords", job_id=job_id, output="Transcription")
            assert error["code"] == "unreadable"

    asyncio.run(talk())


def test_no_more_jobs_than_allowed_restarts_included(studio: Studio) -> None:
    studio.max_jobs = 3
    files = [studio.file(f"{number}.wav") for number in range(6)]

    async def talk() -> None:
        for turn in range(2):
            async with agent(studio) as ask:
                calls = [ask.client.call_tool("process", _echo(name)) for name in files]
                results = await asyncio.gather(*calls)
                codes = [each.structured_content["error"]["code"] for each in results if each.is_error]
                assert codes == ["budget_used"] * 3, turn
                limits = await ask("get_limits")
                assert (limits["jobs_created"], limits["jobs_left"]) == (3, 0)
        # A workflow that the service refuses costs nothing; a higher limit allows more.
        studio.max_jobs = 4
        async with agent(studio) as ask:
            error = await ask.refused("process", workflow="no-such-workflow", input="song.ogg")
            assert error["code"] == "unknown_workflow"
            assert (await ask("get_limits"))["jobs_left"] == 1
            await ask.echo("song.ogg")
            assert (await ask.refused("process", **_echo(studio.file("last.wav"))))["code"] == "budget_used"

    asyncio.run(talk())
    assert len(studio.sandbox.jobs) == 4


def test_a_job_that_was_deleted_is_not_paid_for_again(studio: Studio) -> None:
    async def talk() -> None:
        async with agent(studio) as ask:
            job_id = (await ask.echo("song.ogg"))["job_id"]
            with studio.sandbox.client() as client:
                client.jobs.delete(job_id)
            error = await ask.refused("process", **_echo("song.ogg"))
            assert error["code"] == "job_gone"
            assert job_id in error["message"]

    asyncio.run(talk())
    assert studio.posts() == 1


def test_a_service_out_of_reach_is_said_and_made_up_for(studio: Studio) -> None:
    async def talk() -> None:
        async with agent(studio) as ask:
            with studio.sandbox.refusing():
                error = await ask.refused("list_workflows")
                assert (error["code"], error["retryable"]) == ("unreachable", True)
            assert await ask("list_workflows")

    asyncio.run(talk())


@pytest.mark.parametrize(("error", "arguments"), [(InputError, {"roots": []}), (InputError, {"max_jobs": -1})])
def test_a_server_that_can_not_be_started(
    error: type[Exception], arguments: dict[str, object], tmp_path: Path
) -> None:
    from musicai_sdk import AsyncMusicAiClient
    from musicai_sdk.mcp import serve

    settings: dict[str, object] = {"roots": [tmp_path], "max_jobs": 1, "state": tmp_path / "state"}
    with pytest.raises(error):
        serve(AsyncMusicAiClient, **{**settings, **arguments})  # type: ignore[arg-type] # wrong on purpose


def test_a_state_folder_that_can_not_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="--state"):
        State(tmp_path / "file" / "state")


def _echo(name: str) -> dict[str, str]:
    return {"workflow": "sdk-test", "input": name, "input_name": "file"}
