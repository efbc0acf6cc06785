"""Refused calls have a code and advice; nothing is sent, and nothing is paid."""

from __future__ import annotations

import os
import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.errors import ConfigurationError, InputError
from musicai_sdk.mcp import serve
from musicai_sdk.mcp.addresses import Addresses
from musicai_sdk.mcp.errors import ToolError
from musicai_sdk.mcp.roots import Roots, copy_beneath
from musicai_sdk.mcp.state import State
from support.agents import Agent, Studio, agent, echo


def test_paths_that_lead_outside(studio: Studio) -> None:
    outside = studio.root.parent / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"RIFF secret")
    (studio.root / "link.wav").symlink_to(outside / "secret.wav")
    (studio.root / "folder").symlink_to(outside)
    (studio.root / "loop.wav").symlink_to(studio.root / "loop.wav")
    studio.state = studio.root / ".state"  # inside the root, but still forbidden
    with agent(studio) as ask:
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
            assert ask.refused("process", **echo(path))["code"] == "outside_root", path
        assert ask.refused("process", **echo("loop.wav"))["code"] in {"outside_root", "bad_input"}

        job_id = ask.echo("song.ogg")["job_id"]
        ask("get_job", job_id=job_id, wait_seconds=50)
        for folder in ("..", "/", str(outside), "folder", "folder/deeper", ".state", "~/../../../.."):
            error = ask.refused("download_results", job_id=job_id, folder=folder)
            assert error["code"] == "outside_root", folder
        # A link that already exists in the job's folder.
        (studio.root / job_id).mkdir()
        (studio.root / job_id / "file.ogg").symlink_to(outside / "secret.wav")
        assert ask.refused("download_results", job_id=job_id)["code"] == "outside_root"
        (studio.root / "taken").write_text("x")
        assert ask.refused("download_results", job_id=job_id, folder="taken")["code"] == "bad_input"
        assert ask("download_results", job_id=job_id, folder="free")["status"] == "DONE"
    assert list(outside.iterdir()) == [outside / "secret.wav"]
    assert (outside / "secret.wav").read_bytes() == b"RIFF secret"


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


@pytest.mark.parametrize(
    "host",
    [
        *(
            "10.0.0.1",
            "192.168.1.1:8080",
            "172.16.3.4",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *(
            "0x0a000001",
            "167772161",
            "10.1",
            "[fd00::1]",
            "[fe80::1%25eth0]",
            "[::ffff:10.0.0.1]",
            "u:p@10.0.0.1",
        ),
        *("\uff11\uff10.0.0.1", "10\u30020\u30020\u30021", "song.example\\@10.0.0.1"),
        *("nas", "NAS.Local", "metadata.google.internal", "router.lan.", "a.home.arpa"),
    ],
)
def test_urls_in_a_private_network(host: str, ask: Agent) -> None:
    posts, limits = ask.studio.posts(), ask("get_limits")
    for scheme in ("http", "HTTPS"):
        url = f"{scheme}://{host}/song.wav"
        assert ask.refused("process", **echo(url))["code"] == "private_address"
        assert ask.refused("process", **echo("song.ogg", more=[{"url": url}]))["code"] == "private_address"
    assert (ask.studio.posts(), ask("get_limits")) == (posts, limits)


@pytest.mark.parametrize(
    ("base_url", "url", "refused"),
    [
        ("https://api.music.ai/v1", "http://127.0.0.1/a.wav", True),
        ("https://api.music.ai/v1", "http://localhost./a.wav", True),
        ("https://api.music.ai/v1", "https://[::1]/a.wav", True),
        ("https://api.music.ai/v1", "https://8.8.8.8/a.wav", False),
        ("https://api.music.ai/v1", "https://song.example/10.0.0.1?x=http://10.0.0.1/", False),
        ("https://api.music.ai/v1", "https://[2606:4700::1]/a.wav", False),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/a.wav", False),
        ("http://127.0.0.1:8000/v1", "http://localhost:8000/a.wav", False),
        ("http://localhost/v1", "http://[::1]:80/a.wav", False),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:9/a.wav", True),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1/a.wav", True),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:99999/a.wav", True),
        ("http://localhost/v1", "https://localhost/a.wav", True),
        ("http://localhost/v1", "http://127.0.0.2/a.wav", True),
        ("http://localhost/v1", "http://other.localhost/a.wav", True),
        ("http://127.0.0.1:8000/v1", "http://192.168.0.2/a.wav", True),
        ("https://192.168.0.2/v1", "https://192.168.0.2:443/a.wav", False),
        ("https://192.168.0.2/v1", "https://192.168.0.2:9000/a.wav", True),
        ("https://192.168.0.2/v1", "https://192.168.0.3/a.wav", True),
        ("https://api.music.ai/v1", "http://[", False),
        ("https://api.music.ai/v1", "10.0.0.1", False),
    ],
)
def test_the_host_and_port_of_the_service_are_allowed(base_url: str, url: str, refused: bool) -> None:
    with pytest.raises(ToolError) if refused else nullcontext():
        Addresses(base_url).check_inputs([url])
    with pytest.raises(ToolError) if refused else nullcontext():
        Addresses(base_url).check_outputs([url])


def test_results_in_a_private_network_are_not_fetched(ask: Agent) -> None:
    job_id = ask("process", workflow="acme-inward", input="song.ogg")["job_id"]
    ask("get_job", job_id=job_id, wait_seconds=50)
    for tool, options in (
        ("read_output", {"output": "secrets"}),
        ("read_chords", {"output": "secrets"}),
        ("download_results", {}),
    ):
        assert ask.refused(tool, job_id=job_id, **options)["code"] == "private_address"
    assert ask("read_output", job_id=job_id, output="fine")["content"] == "value"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("missing.wav", "no_such_file"),
        ("empty.wav", "bad_input"),
        ("folder.wav", "bad_input"),
        ("pipe.wav", "bad_input"),
        ("notes.txt", "not_media"),
        ("", "bad_arguments"),
        ("a\0b.wav", "bad_input"),
        ("s3://bucket/song.wav", "bad_input"),
        ("file:///etc/passwd", "bad_input"),
        ("https://", "bad_input"),
        ("data:audio/wav;base64,AAAA", "bad_input"),
        ("ftp://host.example/a.wav", "bad_input"),
        (f"{'x' * 5000}.wav", "bad_input"),
    ],
)
def test_unusable_inputs(source: str, code: str, ask: Agent) -> None:
    root = ask.studio.root
    (root / "empty.wav").touch()
    (root / "folder.wav").mkdir(exist_ok=True)
    (root / "notes.txt").write_text("x")
    if not (root / "pipe.wav").exists():
        os.mkfifo(root / "pipe.wav")
    posts, limits = ask.studio.posts(), ask("get_limits")
    error = ask.refused("process", **echo(source))
    assert error["code"] == code
    assert not {"pathlib", "client.", "musicai_sdk"} & set(re.split(r"(?<=\.)|\W+", str(error))), "for agents"
    assert (ask.studio.posts(), ask("get_limits")) == (posts, limits)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "bad_arguments"),
        ({"workflow": ""}, "bad_arguments"),
        ({"workflow": 3}, "bad_arguments"),
        ({"workflow": "sdk-test", "idempotency_key": "new"}, "bad_arguments"),
        ({"workflow": "sdk-test", "params": [1]}, "bad_arguments"),
        ({"workflow": "sdk-test", "params": {"inputUrl": "https://x.example/a.wav"}}, "bad_input"),
        ({"workflow": "sdk-test", "params": {"url": "gs://bucket/key?Signature=1"}}, "bad_input"),
        ({"workflow": "no-such-workflow"}, "unknown_workflow"),
    ],
)
def test_invalid_arguments(arguments: dict[str, object], code: str, ask: Agent) -> None:
    jobs, limits = len(ask.studio.sandbox.jobs), ask("get_limits")
    assert ask.refused("process", input="song.ogg", **arguments)["code"] == code
    assert (len(ask.studio.sandbox.jobs), ask("get_limits")) == (jobs, limits)


def test_unknown_jobs_and_tools(ask: Agent) -> None:
    for job_id in ("nothing", "../application", "%2e%2e", "a b"):
        assert ask.refused("get_job", job_id=job_id)["code"] in {"not_found", "bad_input"}, job_id
    assert ask.refused("get_job", job_id="x", wait_seconds=51)["code"] == "bad_arguments"
    assert ask.refused("read_stems", job_id="x")["code"] == "unknown_tool"


def test_unknown_outputs(ask: Agent) -> None:
    job_id = ask("process", workflow="acme-lyrics", input="song.ogg")["job_id"]
    ask("get_job", job_id=job_id, wait_seconds=50)
    error = ask.refused("read_chords", job_id=job_id)
    assert error["code"] == "no_such_output"
    assert "'Transcription'" in error["message"]
    for tool in ("read_chords", "read_output"):
        assert ask.refused(tool, job_id=job_id, output="no")["code"] == "no_such_output"
    assert ask.refused("read_beats", job_id=job_id, output="tempo")["code"] == "no_such_output"
    # Lyrics aren't chords.
    assert ask.refused("read_chords", job_id=job_id, output="Transcription")["code"] == "unreadable"


def test_no_more_jobs_than_allowed_restarts_included(studio: Studio) -> None:
    studio.max_jobs, jobs = 3, len(studio.sandbox.jobs)
    calls = [("process", echo(studio.file(f"{number}.wav"))) for number in range(6)]
    for _ in range(2):
        with agent(studio) as ask:
            codes = [each["error"]["code"] for each in ask.together(*calls) if "error" in each]
            assert codes == ["budget_used"] * 3
            limits = ask("get_limits")
            assert (limits["jobs_created"], limits["jobs_left"]) == (3, 0)
    assert len(studio.sandbox.jobs) == jobs + 3
    studio.max_jobs = 4
    with agent(studio) as ask:
        # Requests that the service refuses don't count.
        assert ask.refused("process", workflow="none", input="song.ogg")["code"] == "unknown_workflow"
        ask.echo(studio.file("6.wav"))
        assert ask.refused("process", **echo(studio.file("7.wav")))["code"] == "budget_used"
    assert len(studio.sandbox.jobs) == jobs + 4


def test_a_job_that_was_deleted_is_not_paid_for_again(ask: Agent) -> None:
    name = ask.studio.file("deleted.wav")
    job_id = ask.echo(name)["job_id"]
    with ask.studio.sandbox.client() as client:
        client.jobs.delete(job_id)
    posts = ask.studio.posts()
    error = ask.refused("process", **echo(name))
    assert error["code"] == "job_gone"
    assert job_id in error["message"]
    assert ask.studio.posts() == posts


def test_an_unreachable_service(ask: Agent) -> None:
    ask.studio.sandbox.faults.add("GET /workflow*", status=503, times=10)
    error = ask.refused("list_workflows")
    assert (error["code"], error["retryable"]) == ("service_failed", True)
    ask.studio.sandbox.faults.clear()
    assert ask("list_workflows")


@pytest.mark.parametrize(
    "arguments",
    [{"roots": []}, {"roots": ["nowhere"]}, {"max_jobs": -1}, {"patience": 0}, {"patience": float("nan")}],
)
def test_invalid_settings(arguments: dict[str, object], tmp_path: Path) -> None:
    settings: dict[str, object] = {"roots": [tmp_path], "max_jobs": 1, "state": tmp_path / "state"}
    with pytest.raises(InputError):
        serve(AsyncMusicAiClient, **{**settings, **arguments})  # type: ignore[arg-type] # wrong on purpose


def test_an_unusable_state_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="--state"):
        State(tmp_path / "file" / "state")


def test_a_damaged_state(tmp_path: Path) -> None:
    state = State(tmp_path)
    for number in range(200):
        assert state.reserve("scope", f"key {number}", "slug", "label", 1000)
    database = tmp_path / "requests.sqlite3"
    database.write_bytes(database.read_bytes()[:4096] + bytes(8192))
    for use in (state.used, lambda: state.get("scope", "key 7"), lambda: State(tmp_path)):
        with pytest.raises(ConfigurationError, match=r"can't be used.*--state"):
            use()
