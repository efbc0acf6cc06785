"""`musicai login`, `logout` and `whoami`."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from support.batch import Service
from support.cli import MUSICAI, Command

WRONG = "27803abe-ec15-4f74-9e8a-18a99627e9b0"


@pytest.fixture
def logged_out(running: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command without a key, with a configuration folder of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    address = {"MUSIC_AI_BASE_URL": running.variables["MUSIC_AI_BASE_URL"], "MUSIC_AI_API_KEY": ""}
    return Command(replace(running, variables=address), tmp_path)


@pytest.fixture
def key(running: Service) -> str:
    return running.variables["MUSIC_AI_API_KEY"]


def file(command: Command) -> Path:
    return command.folder / "config" / "musicai" / "credentials.json"


@pytest.mark.parametrize("text", ["{}", "{}\n", "\ufeff{}\r\n"])
def test_login_from_standard_input(logged_out: Command, key: str, text: str) -> None:
    done = logged_out("login", "--stdin", text=text.format(key))
    assert "Default Application" in done.stdout
    assert key not in done.stdout + done.stderr
    assert stat.S_IMODE(file(logged_out).stat().st_mode) == 0o600
    assert "Default Application" in logged_out("app").stdout
    [who] = logged_out("whoami", "--json").values
    assert who["application"]["name"] == "Default Application"
    assert who["key"] == f"…{key[-4:]}"
    assert str(file(logged_out)) in who["key_source"]
    assert who["base_url"] == logged_out.service.variables["MUSIC_AI_BASE_URL"]
    shown = logged_out("whoami").stdout
    assert key not in shown
    assert all(str(value) in shown for value in (who["key"], who["key_source"], who["base_url"]))


def test_login_from_a_key_file(logged_out: Command, key: str) -> None:
    (logged_out.folder / "key").write_text(key)
    logged_out.here("login", "--key-file", "key")
    (logged_out.folder / "key").unlink()
    assert "Default" in logged_out.here("app").stdout
    assert "either" in logged_out.here("login", "--stdin", "--key-file", "key", code=2).stderr


def test_login_at_a_terminal_shows_no_key(logged_out: Command, key: str) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(logged_out.folder)
        os.execve(sys.executable, [*MUSICAI, "login"], logged_out.service.environment)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # the command has ended
                break
        if shown.endswith(b"API key: "):
            os.write(terminal, f"{key}\n".encode())
            shown += b"\n"
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    os.close(terminal)
    assert b"stored the key" in shown
    assert key.encode() not in shown
    assert json.loads(file(logged_out).read_text())["keys"]


def test_login_without_a_terminal(logged_out: Command) -> None:
    assert "--stdin" in logged_out("login", code=2).stderr
    assert "No such option" in logged_out.here("login", "--api-key", WRONG, code=2).stderr
    assert "unexpected extra argument" in logged_out.here("login", WRONG, code=2).stderr


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (WRONG, 3, "standard input"),
        ("", 3, "no API key"),
        (f"Bearer {WRONG}", 3, "'Bearer'"),
        ("two words", 3, "white space"),
    ],
)
def test_login_with_a_wrong_key_stores_nothing(
    logged_out: Command, text: str, code: int, message: str
) -> None:
    done = logged_out("login", "--stdin", text=text, code=code)
    assert message in done.stderr
    assert WRONG not in done.stderr
    assert not file(logged_out).exists()


def test_login_with_a_wrong_key_keeps_the_right_one(logged_out: Command, key: str) -> None:
    logged_out.here("login", "--stdin", text=key)
    logged_out.here("login", "--stdin", text=WRONG, code=3)
    assert "Default" in logged_out.here("app").stdout


def test_login_without_the_service(logged_out: Command) -> None:
    there = ("--base-url", "http://127.0.0.1:9/v1")
    logged_out.here("login", "--stdin", *there, text=WRONG, code=5)
    logged_out.here("login", "--stdin", "--no-check", *there, text=WRONG)
    assert json.loads(file(logged_out).read_text()) == {"keys": {"http://127.0.0.1:9/v1": WRONG}}
    message = logged_out.here("app", code=3).stderr
    assert "no API key for http://127.0.0.1" in message
    assert "musicai login" in message


def test_the_variables_come_first(logged_out: Command, key: str) -> None:
    done = logged_out.here("login", "--stdin", text=key, MUSIC_AI_API_KEY=WRONG)
    assert "MUSIC_AI_API_KEY is set" in done.stderr
    message = logged_out.here("app", code=3, MUSIC_AI_API_KEY=WRONG).stderr
    assert "the environment variable MUSIC_AI_API_KEY" in message
    [who] = logged_out.here("whoami", "--json", MUSIC_AI_API_KEY=key).values
    assert who["key_source"] == "the environment variable MUSIC_AI_API_KEY"
    (logged_out.folder / "wrong").write_text(WRONG)
    assert "'wrong'" in logged_out.here("whoami", code=3, MUSIC_AI_API_KEY_FILE="wrong").stderr


def test_a_stored_key_that_is_refused_is_named(logged_out: Command, key: str) -> None:
    logged_out.here("login", "--stdin", text=key)
    values = json.loads(file(logged_out).read_text())
    file(logged_out).write_text(json.dumps(values).replace(key, WRONG))
    message = logged_out.here("whoami", code=3).stderr
    assert str(file(logged_out)) in message
    assert WRONG not in message


def test_other_users_must_not_read_the_file(logged_out: Command, key: str) -> None:
    logged_out.here("login", "--stdin", text=key)
    file(logged_out).chmod(0o644)
    for arguments in (["app"], ["whoami"], ["logout"], ["login", "--stdin"]):
        assert f"chmod 600 {file(logged_out)}" in logged_out.here(*arguments, code=3, text=key).stderr
    assert logged_out.here("logout", "--all", "--json").values == [{"removed": True}]
    assert not file(logged_out).exists()


def test_logout(logged_out: Command, key: str) -> None:
    assert "there is no stored key" in logged_out.here("logout").stdout
    logged_out.here("login", "--stdin", text=key)
    logged_out.here("login", "--stdin", "--no-check", "--base-url", "https://h.example/v1", text=WRONG)
    assert logged_out.here("logout", "--json").values == [{"removed": True}]
    assert list(json.loads(file(logged_out).read_text())["keys"]) == ["https://h.example/v1"]
    logged_out.here("app", code=3)
    logged_out.here("logout", "--all")
    assert not file(logged_out).exists()


def test_a_folder_that_cannot_be_made(logged_out: Command, key: str) -> None:
    (logged_out.folder / "config").write_text("in the way")
    message = logged_out.here("login", "--stdin", text=key, code=1).stderr
    assert str(file(logged_out).parent) in message
