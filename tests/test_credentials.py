"""Stored keys: the file, its permissions, and the clients that read it."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Connect
from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk._credentials import credentials_file, forget, store, stored_key, stored_keys
from musicai_sdk._io.secret import Secret
from musicai_sdk._locks import try_lock
from musicai_sdk.compat import MusicAiClient as CompatClient
from musicai_sdk.errors import AuthenticationError, ConfigurationError
from musicai_sdk.sandbox import Sandbox
from support.raw_server import RawServer

URL = "https://music.example/v1"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("MUSIC_AI_API_KEY", raising=False)
    monkeypatch.delenv("MUSIC_AI_BASE_URL", raising=False)
    return tmp_path / "config" / "musicai" / "credentials.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the file


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_has_access(file: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        file.parent.parent.mkdir(mode=0o777)
        file.parent.parent.chmod(0o777)
        assert store(URL, Secret("a-key")) == file == credentials_file()
        store(f"{URL}/other", Secret("another"))
    finally:
        os.umask(before)
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_open_to_others_is_closed(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.parent.chmod(0o755)
    store(URL, Secret("a-key"))
    assert mode(file.parent) == 0o700


def test_a_key_for_each_base_url(file: Path) -> None:
    for number in range(3):
        store(f"https://h{number}.example/v1", Secret(f"key {number}"))
    store("https://h1.example/v1/", Secret("newer"))
    assert stored_key("HTTPS://H1.Example/v1") == Secret("newer")
    assert stored_key("https://h1.example/V1") is None
    assert stored_key("http://h1.example/v1") is None
    assert stored_key("https://h1.example:8443/v1") is None
    assert forget("https://h1.example/v1")
    assert not forget("https://h1.example/v1")
    assert list(stored_keys()) == ["https://h0.example/v1", "https://h2.example/v1"]
    forget("https://h0.example/v1")
    forget("https://h2.example/v1")
    assert not file.exists()


def test_concurrent_programs_lose_no_key(file: Path) -> None:
    program = (
        "import sys; from musicai_sdk._credentials import store; from musicai_sdk._io.secret import Secret\n"
        "for n in range(20): store(f'https://{sys.argv[1]}.example/{n}', Secret('a-key'))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, name], stderr=subprocess.PIPE) for name in "abc"
    ]
    assert [(each.communicate()[1], each.returncode) for each in running] == [(b"", 0)] * 3
    assert len(stored_keys()) == 60
    assert list(file.parent.iterdir()) == [file]


def test_a_program_that_never_finishes_its_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(URL, Secret("a-key"))
    monkeypatch.setattr("musicai_sdk._credentials._PATIENCE", 0.1)
    with file.with_suffix(".lock").open("wb") as other:
        assert try_lock(other.fileno())
        with pytest.raises(ConfigurationError, match=r"another program .*credentials\.lock"):
            store(f"{URL}/other", Secret("another"))
        with pytest.raises(ConfigurationError, match="end it, and try again"):
            forget(URL)
        assert stored_key(URL) == Secret("a-key")
    assert forget(URL)


@pytest.mark.parametrize("value", ["", "relative/folder"])
def test_the_default_is_below_the_home_folder(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert credentials_file() == tmp_path / ".config" / "musicai" / "credentials.json"


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_a_file_that_others_can_access_is_refused(file: Path, permissions: int) -> None:
    store(URL, Secret("a-key"))
    file.chmod(permissions)
    with pytest.raises(ConfigurationError, match=re.escape(f"chmod 600 {file}")):
        MusicAiClient(base_url=URL)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        store(URL, Secret("b-key"))
    assert "a-key" in file.read_text()


def links(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def dangles(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def gets_a_second_name(file: Path) -> None:
    os.link(file, file.with_name("second"))


def becomes_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def becomes_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def becomes_a_socket(file: Path) -> None:
    file.unlink()
    with socket.socket(socket.AF_UNIX) as listener, pytest.MonkeyPatch.context() as patch:
        patch.chdir(file.parent)  # the path of a socket may have 107 bytes
        listener.bind(file.name)


def changes_hands(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 12345, -1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (links, "is a symbolic link"),
        (dangles, "is a symbolic link"),
        (gets_a_second_name, "has a second name"),
        (becomes_a_folder, "is a folder, not a regular file"),
        (becomes_a_pipe, "is a named pipe"),
        (becomes_a_socket, "is a socket"),
        (changes_hands, "belongs to another user"),
    ],
)
def test_a_file_that_others_could_control_is_refused(
    file: Path, change: object, words: str, connect: Connect
) -> None:
    store(URL, Secret("a-key"))
    assert callable(change)
    change(file)
    with pytest.raises(
        ConfigurationError, match=f"{re.escape(repr(str(file)))} isn't used: the file {words}"
    ):
        connect(api_key=None, base_url=URL)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"keys": []}', b"\xff", b"[" * 100_000])
def test_a_malformed_file_is_refused(file: Path, text: bytes, connect: Connect) -> None:
    store(URL, Secret("a-key"))
    file.write_bytes(text)
    with pytest.raises(ConfigurationError, match="musicai logout --all"):
        connect(api_key=None, base_url=URL)


# --- the clients


def test_clients_find_the_key(connect: Connect, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    store(sandbox.base_url, Secret(sandbox.api_key))
    assert connect(api_key=None).application.get().name == "Default Application"
    monkeypatch.setenv("MUSIC_AI_BASE_URL", f"{sandbox.base_url}/")
    assert connect(api_key=None, base_url=None).application.get().name == "Default Application"
    assert CompatClient().get_application_info()["name"] == "Default Application"
    with MusicAiClient() as client:
        assert pickle.loads(pickle.dumps(client)).api_key == sandbox.api_key


def test_the_argument_and_the_variable_come_first(
    connect: Connect, sandbox: Sandbox, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(sandbox.base_url, Secret("stored"))
    file.chmod(0o644)  # the file isn't read
    assert connect(api_key="mine").api_key == "mine"
    monkeypatch.setenv("MUSIC_AI_API_KEY", "from-the-environment")
    assert connect(api_key=None).api_key == "from-the-environment"
    assert json.loads(file.read_text())["keys"] == {sandbox.base_url: "stored"}


def test_no_key_for_this_base_url(connect: Connect) -> None:
    with pytest.raises(ConfigurationError, match=r"musicai login"):
        connect(api_key=None, base_url=URL)
    store(URL, Secret("a-key"))
    with pytest.raises(ConfigurationError, match=f"only for '{URL}'"):
        connect(api_key=None, base_url=f"{URL}/other")


@pytest.mark.parametrize("kind", [MusicAiClient, AsyncMusicAiClient])
def test_a_changed_base_url_never_gets_the_key_of_another(
    kind: type[MusicAiClient | AsyncMusicAiClient],
) -> None:
    with RawServer(lambda request: request.answer(b'{"id": "a"}')) as server:
        store(URL, Secret("of-the-service"))
        client = kind(base_url=URL)
        with pytest.raises(ConfigurationError, match="no API key for http://127"):
            client.base_url = server.url
        assert (client.base_url, client.api_key) == (URL, "of-the-service")
        store(server.url, Secret("of-the-other"))
        client.base_url = server.url
        client.timeout = 5
        ask(client)
        client.base_url = URL
        assert client.api_key == "of-the-service"
        client.api_key = "given"
        client.base_url = server.url
        ask(client)
    assert [each.headers["authorization"] for each in server.requests] == ["of-the-other", "given"]


def ask(client: MusicAiClient | AsyncMusicAiClient) -> None:
    """Sends a request with a copy of a client, and closes the copy."""
    copied = copy.copy(client)
    if isinstance(copied, MusicAiClient):
        with copied:
            copied.application.get()
    else:

        async def main(there: AsyncMusicAiClient) -> None:
            async with there:
                await there.application.get()

        asyncio.run(main(copied))


def test_a_refused_key_names_the_file(connect: Connect, sandbox: Sandbox, file: Path) -> None:
    store(sandbox.base_url, Secret("an-old-key"))
    with pytest.raises(AuthenticationError, match=re.escape(str(file))):
        connect(api_key=None).application.get()
