"""A stored key is hidden in errors, their local variables, logs and reprs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk._credentials import credentials_file, store, stored_keys
from musicai_sdk._io.secret import Secret
from musicai_sdk.errors import ConfigurationError, MusicAiError
from musicai_sdk.sandbox import Sandbox
from support.client_logs import client_records
from support.hidden_key import KEY, assert_hidden, flat

URL = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("MUSIC_AI_API_KEY", raising=False)
    store(URL, Secret(KEY))
    assert KEY in credentials_file().read_text()
    return credentials_file()


@pytest.mark.parametrize("kind", [MusicAiClient, AsyncMusicAiClient])
@pytest.mark.parametrize(
    "text",
    [
        f'{{"keys": {{"{URL}": "{KEY}"',
        f'{{"{URL}": "{KEY}"}}',
        f'["{KEY}"]',
        f'{{"keys": {{"{URL}": "Bearer {KEY}"}}}}',
        f'{{"keys": {{"{URL}": ["{KEY}"]}}}}',
        f'{{"keys": {{"{URL}/2": "{KEY}"}}}}',
    ],
    ids=["cut", "another shape", "list", "prefix", "no text", "another URL"],
)
def test_an_unusable_file(file: Path, kind: type[MusicAiClient], text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        kind(base_url=URL)
    assert_hidden(caught.value)


def test_a_file_that_others_can_access(file: Path) -> None:
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600") as caught:
        MusicAiClient(base_url=URL)
    assert_hidden(caught.value)


def test_a_file_that_cannot_be_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(file))
    with pytest.raises(OSError, match="credentials") as caught:
        store(URL, Secret(KEY))
    assert_hidden(caught.value)


def test_a_request_that_fails(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    store(sandbox.base_url, Secret(KEY))
    with caplog.at_level(logging.DEBUG), pytest.raises(MusicAiError, match="401") as caught:
        with MusicAiClient(base_url=sandbox.base_url) as client:
            client.application.get()
    assert_hidden(caught.value)
    ours = client_records(caplog)
    assert ours
    assert not [each for each in ours if KEY in each.getMessage()]


def test_reprs() -> None:
    with MusicAiClient(base_url=URL) as client:
        for value in (stored_keys(), client, client._session.settings, vars(client._session)):
            assert KEY not in repr(value)
            assert KEY not in flat(value)
