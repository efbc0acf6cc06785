"""`python -m musicai_sdk.sandbox`, as a process."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-W", "error", "-m", "musicai_sdk.sandbox"]


@contextmanager
def sandbox(*arguments: str, end: signal.Signals = signal.SIGTERM) -> Generator[dict[str, str]]:
    """Runs the command, yields the variables that it prints, and checks that it ends with exit code 0."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        variables: dict[str, str] = {}
        while (line := process.stdout.readline()).startswith("export "):
            name, _, value = shlex.split(line)[1].partition("=")
            variables[name] = value
        assert line == "# The sandbox is running; Ctrl-C stops it.\n", process.communicate(timeout=20)
        yield variables
        process.send_signal(end)
        output, errors = process.communicate(timeout=20)
        assert (process.returncode, output, errors) == (0, "", "")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(end: signal.Signals) -> None:
    with sandbox(end=end) as variables:
        assert set(variables) == {"MUSIC_AI_API_KEY", "MUSIC_AI_BASE_URL"}
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", variables["MUSIC_AI_BASE_URL"])
        url = f"{variables['MUSIC_AI_BASE_URL']}/application"
        assert httpx.get(url, headers={"Authorization": variables["MUSIC_AI_API_KEY"]}).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_options_of_the_command(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    options = (
        "--port",
        port,
        "--host",
        "127.0.0.1",
        "--tls",
        "--data-dir",
        str(tmp_path / "d"),
        "--plan",
        "payg",
    )
    with sandbox(*options, "--api-key", "it's-me") as variables:
        assert variables["MUSIC_AI_BASE_URL"] == f"https://127.0.0.1:{port}/v1"
        assert variables["MUSIC_AI_API_KEY"] == "it's-me"
        assert variables["SSL_CERT_FILE"] == str(tmp_path / "d" / "ca.pem")
        trust = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
        headers = {"Authorization": "it's-me"}
        answer = httpx.get(f"{variables['MUSIC_AI_BASE_URL']}/application", headers=headers, verify=trust)
        assert answer.status_code == 200
    assert (tmp_path / "d" / "sandbox.sqlite3").exists()


def test_faults_and_transitions() -> None:
    faults = ("--fault", "GET /application status=503 nth=2", "--fault", "POST /job job_error=TIMEOUT")
    with sandbox(*faults, "--transition", "immediate") as variables:
        headers = {"Authorization": variables["MUSIC_AI_API_KEY"]}
        with httpx.Client(base_url=variables["MUSIC_AI_BASE_URL"], headers=headers) as api:
            assert [api.get("/application").status_code for _ in range(3)] == [200, 503, 200]
            body: dict[str, object] = {"name": "n", "workflow": "sdk-test", "params": {}}
            job = api.get(f"/job/{api.post('/job', json=body).json()['id']}").json()
            assert (job["status"], job["error"]["code"]) == ("FAILED", "TIMEOUT")


def test_quirks() -> None:
    quirks = ("--quirk", "metadata=null", "--quirk", "page-limit=1", "--quirk", "empty_results=null")
    with sandbox(*quirks, "--transition", "immediate") as variables:
        headers = {"Authorization": variables["MUSIC_AI_API_KEY"]}
        with httpx.Client(base_url=variables["MUSIC_AI_BASE_URL"], headers=headers) as api:
            assert len(api.get("/workflow").json()["workflows"]) == 1
            body: dict[str, object] = {
                "name": "n",
                "workflow": "sdk-test",
                "params": {},
                "metadata": {"a": "b"},
            }
            assert api.get(f"/job/{api.post('/job', json=body).json()['id']}").json()["metadata"] is None
            own = api.get(variables["MUSIC_AI_BASE_URL"].replace("/v1", "/__sandbox__/quirks")).json()
            assert (own["page_limit"], own["empty_results"], own["list_lag"]) == (1, "null", 0)


def test_the_musicai_command_takes_quirks_too() -> None:
    command = [sys.executable, "-W", "error", "-m", "musicai_sdk.cli", "sandbox", "--quirk", "metadata=nul"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 2
    assert "argument --quirk: metadata is one of 'kept', 'dropped', 'null'" in answer.stderr


def test_a_folder_whose_name_has_control_characters(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[31m\t\u009b it's"
    script = """
        while IFS= read -r line && [[ $line == export* ]]; do echo "$line" >&2; eval "$line"; done < <("$@")
        printf %s "$SSL_CERT_FILE"
        kill $!
    """
    arguments = ["bash", "-c", script, "bash", *COMMAND, "--tls", "--data-dir", str(folder)]
    shown = subprocess.run(arguments, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert shown.stdout == str(folder / "ca.pem"), "a shell reads it"
    assert shown.stderr.count("export ") == 5
    assert not set(shown.stderr) & set("\x1b\t\u009b")


def test_control_characters_never_reach_the_terminal_raw(tmp_path: Path) -> None:
    name = "\x1b]0;owned\x07\u009b\r\u202e"
    for arguments in (
        [name],
        [f"--{name}"],
        ["--data-dir", str(tmp_path / name / "f" / "x")],
        ["--host", name],
        ["--port", name],
        ["--plan", name],
        ["--transition", name],
        ["--quirk", f"{name}=1"],
        ["--quirk", f"metadata={name}"],
        ["--quirk", name],
        ["--fault", f"{name} {name} {name}=1"],
        ["--fault", f"GET /job {name}=1"],
        ["--fault", f"GET /job status={name}"],
        ["--fault", name],
        ["--api-key", name],
    ):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "f").touch()
        answer = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, encoding="utf-8", timeout=60, check=False
        )
        assert answer.returncode in (1, 2), arguments
        assert answer.stdout == ""
        assert not set(answer.stderr) & set("\x1b\x07\u009b\r\u202e"), arguments
        assert "Traceback" not in answer.stderr


def test_a_seed_gives_the_same_key() -> None:
    with sandbox("--seed", "4", "--plan", "3") as first, sandbox("--seed", "4") as second:
        assert first["MUSIC_AI_API_KEY"] == second["MUSIC_AI_API_KEY"]


def test_errors_at_the_start_are_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, code, words in (
            (["--port", port], 1, f"port {port} of 127.0.0.1: address already in use"),
            (["--port", "99999"], 2, "port must be from 1 to 65535"),
            (["--plan", "gold"], 2, "plan"),
            (["--plan", "0"], 2, "plan"),
            (["--transition", "never"], 2, "transition"),
            (["--transition", "after:soon"], 2, "'after:SECONDS'"),
            (["--fault", "POST /job"], 2, "a fault has the form"),
            (["--fault", "POST /job stauts=500"], 2, "there is no option stauts; the options are nth, "),
            (["--fault", "POST /job status"], 2, "nth=2"),
            (["--quirk", "page_limit"], 2, "a quirk has the form page_limit=50; got 'page_limit'"),
            (
                ["--quirk", "page_limits=3"],
                2,
                "there is no quirk 'page_limits'; the quirks are page_limit, list_lag, ",
            ),
            (["--quirk", "list_lag=soon"], 2, "argument --quirk: list_lag: "),
            (["--quirk", "metadata=nul"], 2, "metadata is one of 'kept', 'dropped', 'null', "),
            (["--api-key", "a b"], 2, "api_key must be printable ASCII without spaces"),
            (["--data-dir", __file__], 2, "argument --data-dir: "),
        ):
            answer = subprocess.run(
                [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
            )
            assert answer.returncode == code
            assert answer.stdout == ""
            assert words in answer.stderr
            assert "Traceback" not in answer.stderr


def test_without_the_extra_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    # A module that the import system can't find counts as not installed.
    program = """
import importlib.util, runpy, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "starlette" else find(name, *rest)
sys.argv = ["sandbox"]
runpy.run_module("musicai_sdk.sandbox", run_name="__main__")
"""
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 1
    assert 'needs starlette: pip install "musicai-sdk[sandbox]"' in answer.stderr
    assert "Traceback" not in answer.stderr


def test_unknown_names_are_attribute_errors() -> None:
    import musicai_sdk.sandbox as package

    with pytest.raises(AttributeError, match="nothing"):
        getattr(package, "nothing")  # noqa: B009 - a type checker would refuse the other way
