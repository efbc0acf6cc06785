"""Unusual starts: twice on one folder, after a `kill -9`, in a relative folder, in a broken environment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.errors import ConfigurationError
from musicai_sdk.sandbox import Sandbox, dashboard
from musicai_sdk.sandbox.__main__ import main
from support.talking import nothing
from support.zipped import run_zipped

posix_only = pytest.mark.skipif(os.name != "posix", reason="about signals of POSIX")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder for this test and the processes that it starts."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@contextmanager
def process(*arguments: str, cwd: Path | None = None) -> Generator[tuple[subprocess.Popen[str], str]]:
    """The command, and its output until it was ready."""
    command = [sys.executable, "-W", "error", "-m", "musicai_sdk.sandbox", *arguments]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd)
    assert started.stdout is not None
    try:
        printed = ""
        while not printed.endswith("Ctrl-C stops it.\n"):
            line = started.stdout.readline()
            assert line, started.communicate()
            printed += line
        yield started, printed
    finally:
        started.kill()
        started.communicate()


def test_two_on_one_folder(tmp_path: Path) -> None:
    with Sandbox(data_dir=tmp_path) as first:
        with pytest.raises(
            OSError, match=rf"{tmp_path.name}' is in use by another sandbox.* \(process {os.getpid()}\)"
        ):
            Sandbox(data_dir=tmp_path).start()
        answer = subprocess.run(
            [sys.executable, "-m", "musicai_sdk.sandbox", "--data-dir", str(tmp_path)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert answer.returncode == 1
        assert answer.stderr.startswith("The sandbox can't start: the data folder")
        assert "Traceback" not in answer.stderr
        key = first.api_key
    with Sandbox(data_dir=tmp_path) as again:
        assert again.api_key == key


@posix_only
def test_a_closed_terminal_ends_it_cleanly(temporary: Path) -> None:
    with process() as (started, _):
        assert [path.name.startswith("musicai-sandbox-") for path in temporary.iterdir()] == [True]
        started.send_signal(signal.SIGHUP)
        assert started.communicate(timeout=20) == ("", "")
        assert started.returncode == 0
    assert list(temporary.iterdir()) == []


@posix_only
def test_folders_of_killed_sandboxes_are_removed(temporary: Path) -> None:
    with process() as (killed, _), process() as (running, _):
        (left,) = (
            path for path in temporary.iterdir() if (path / "sandbox.pid").read_text() == str(killed.pid)
        )
        killed.kill()
        killed.wait()
        assert left.exists()
        (temporary / "musicai-sandbox-empty").mkdir()  # As if a sandbox were about to start in it.
        (temporary / "musicai-sandbox-empty" / "sandbox.pid").touch()
        (temporary / "musicai-sandbox-link").symlink_to(left)
        others = {path for path in temporary.iterdir() if path != left}
        with Sandbox():
            assert not left.exists()
        assert set(temporary.iterdir()) == others, "the running sandbox has kept its folder"
        running.terminate()
        assert running.wait(20) == 0


def test_a_relative_folder_is_shown_whole(tmp_path: Path) -> None:
    with process("--tls", "--data-dir", "sbtls", cwd=tmp_path) as (_, printed):
        assert f"export SSL_CERT_FILE={tmp_path / 'sbtls' / 'ca.pem'}\n" in printed


def test_the_programs_name_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for options, name in (
        ({}, "python -m musicai_sdk.sandbox"),
        ({"prog": "musicai sandbox"}, "musicai sandbox"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["--help"], **options)
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: {name} [-h]")


@pytest.mark.parametrize("port", [-1, 65536])
def test_no_such_port(port: int) -> None:
    with pytest.raises(ValueError, match="port must be from 1 to 65535"):
        Sandbox(port=port)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\nb", "clé", "Bearer-1"])
def test_a_key_that_clients_refuse(key: str) -> None:
    with pytest.raises(ConfigurationError):
        MusicAiClient(key or " ")
    with pytest.raises(ValueError, match="api_key"):
        Sandbox(api_key=key)


def test_a_program_at_the_lowest_log_level(song: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As rich recommends: `logging.basicConfig(level="NOTSET", handlers=[RichHandler()])`."""
    caplog.set_level("NOTSET")
    with Sandbox(workflows={"nothing": nothing}) as sandbox, sandbox.client(max_retries=1) as client:
        sandbox.faults.add("GET /application", nth=1, reset="before")
        assert client.application.get().name == "Default Application"
        assert client.jobs.run(CustomWorkflow("nothing", {"file": song}), timeout=60).succeeded
        assert [entry.status for entry in sandbox.requests[:2]] == [None, 200]
    assert caplog.records, "everything else is logged"
    assert {record.name for record in caplog.records} & {"uvicorn.access", "uvicorn.asgi"} == set()
    assert not [text for text in caplog.messages if "signature=" in text.lower()]


def test_the_pages_of_a_package_in_a_zip_file(tmp_path: Path) -> None:
    program = """
from musicai_sdk.sandbox import Sandbox
from urllib.request import urlopen
with Sandbox(workflows={}) as sandbox:
    print(urlopen(sandbox.base_url.replace("/v1", "/__sandbox__/static/style.css")).read().decode(), end="")
"""
    page = Path(dashboard.__file__).with_name("style.css")
    assert run_zipped(program, tmp_path) == page.read_text(encoding="utf-8")


def test_invalid_proxies_and_certificates(
    tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "::")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with Sandbox(workflows={"nothing": nothing}) as sandbox, sandbox.client() as client:
        assert client.jobs.run(CustomWorkflow("nothing", {"file": song}), timeout=60).succeeded


def test_an_input_without_audio_is_named(tmp_path: Path) -> None:
    """By the name in the caller's URL, not by the sandbox's own path."""
    shutil.copy(__file__, tmp_path / "my song.json")
    with Sandbox() as sandbox, sandbox.client() as client, serving(tmp_path) as origin:
        for source, name in ((f"{origin}/my%20song.json?signature=1", "'my song.json'"), (__file__, "'")):
            workflow = CustomWorkflow(
                "music-ai/generate-chords", {"inputUrl": source if name != "'" else Path(source)}
            )
            error = client.jobs.wait(client.jobs.create(workflow), timeout=60).error
            assert error is not None
            assert error.message is not None
            assert error.message.startswith(name)
            assert ": The file can't be decoded as audio (Format not recognised). Send a WAV" in error.message
            assert tempfile.gettempdir() not in error.message
            assert "signature" not in error.message


@contextmanager
def serving(folder: Path) -> Generator[str]:
    """A web server for a folder's files, without a log."""
    import threading
    from functools import partial
    from http.server import HTTPServer, SimpleHTTPRequestHandler

    class Handler(SimpleHTTPRequestHandler):
        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
