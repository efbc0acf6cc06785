"""The server as a process: its output, its end, and errors at the start."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from support.agents import Studio, echo

HELLO: dict[str, Any] = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


def start(studio: Studio) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *studio.arguments],
        env=studio.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def send(process: subprocess.Popen[str], method: str, number: int | None = None, **params: Any) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    assert process.stdin is not None
    process.stdin.write(json.dumps(message if number is None else {**message, "id": number}) + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def greet(process: subprocess.Popen[str]) -> Any:
    send(process, "initialize", 1, **HELLO)
    hello = answer(process)
    send(process, "notifications/initialized")
    return hello


def test_only_the_protocol_is_on_standard_output_and_its_end_ends_the_server(studio: Studio) -> None:
    process = start(studio)
    hello = greet(process)
    assert hello["result"]["serverInfo"]["name"] == "musicai"
    assert "never costs twice" in hello["result"]["instructions"]
    send(process, "tools/call", 2, name="process", arguments=echo(studio.file("a.wav")))
    assert answer(process)["result"]["structuredContent"]["job_id"]
    send(process, "nonsense", 3)
    assert answer(process)["error"]
    output, told = process.communicate(timeout=60)
    assert (output, told, process.returncode) == ("", "", 0)


def test_a_signal_ends_the_server_cleanly_and_nothing_is_paid_twice(studio: Studio) -> None:
    before = len(studio.sandbox.jobs)
    studio.sandbox.faults.add("POST /job", delay=0.5, nth=1)
    process = start(studio)
    greet(process)
    call = {"name": "process", "arguments": echo(studio.file("stopped.wav"))}
    send(process, "tools/call", 2, **call)
    while not any(studio.state.glob("copies/*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    output, told = process.communicate(timeout=60)
    assert (told, process.returncode) == ("", 0)
    assert all(json.loads(line) for line in output.splitlines())
    assert not any(studio.state.glob("copies/*"))
    studio.sandbox.faults.clear()
    process = start(studio)
    greet(process)
    send(process, "tools/call", 2, **call)
    assert answer(process)["result"]["structuredContent"]["job_id"]
    process.communicate(timeout=60)
    assert len(studio.sandbox.jobs) == before + 1


@pytest.mark.parametrize("left_out", ["--root", "--max-jobs"])
def test_root_and_max_jobs_are_required(left_out: str, studio: Studio) -> None:
    arguments = studio.arguments
    place = arguments.index(left_out)
    del arguments[place : place + 2]
    done = subprocess.run(
        [sys.executable, *arguments],
        env=studio.environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert left_out in done.stderr
    assert done.stdout == ""


def test_without_a_key_the_error_says_where_to_put_one(studio: Studio) -> None:
    environment = {name: value for name, value in studio.environment.items() if name != "MUSIC_AI_API_KEY"}
    done = subprocess.run(
        [sys.executable, *studio.arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 3
    assert "MUSIC_AI_API_KEY" in done.stderr
    assert done.stdout == ""


def test_without_the_extra_the_error_says_what_to_install(studio: Studio) -> None:
    program = "import sys; sys.modules['mcp'] = None; from musicai_sdk.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *studio.arguments[studio.arguments.index("mcp") :]],
        env=studio.environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 3
    assert 'pip install "musicai-sdk[cli,mcp]"' in done.stderr
    assert done.stdout == ""


def test_the_state_is_the_users_own_and_has_no_secret(studio: Studio) -> None:
    home = studio.root.parent / "home"
    arguments = studio.arguments
    place = arguments.index("--state")
    del arguments[place : place + 2]
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**studio.environment, "XDG_STATE_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    greet(process)
    with studio.sandbox.client() as client:
        url = client.files.upload(studio.root / "song.ogg").url
    send(process, "tools/call", 2, name="process", arguments=echo(url))
    assert answer(process)["result"]["structuredContent"]["job_id"]
    process.communicate(timeout=60)
    (folder,) = (home / "musicai" / "mcp").iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert studio.sandbox.api_key.encode() not in kept
    assert b"Signature" not in kept
