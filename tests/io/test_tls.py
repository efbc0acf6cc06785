"""Which certificates are trusted, and what errors say about it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk._io.tls import CA_VARIABLES
from musicai_sdk.errors import ConfigurationError, ConnectionFailedError
from musicai_sdk.sandbox import Sandbox


@pytest.fixture(scope="module")
def secure() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def ask(sandbox: Sandbox, tls: ssl.SSLContext | None = None) -> None:
    """Sends a request with a client of each colour."""

    async def main() -> None:
        async with AsyncMusicAiClient(
            sandbox.api_key, base_url=sandbox.base_url, max_retries=0, ssl_context=tls
        ) as client:
            assert (await client.application.get()).id

    asyncio.run(main())
    with MusicAiClient(sandbox.api_key, base_url=sandbox.base_url, max_retries=0, ssl_context=tls) as client:
        assert client.application.get().id


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_file_of_the_environment(
    secure: Sandbox, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, secure.ca_file or "")
    ask(secure)


@pytest.mark.parametrize("name", CA_VARIABLES)
def test_a_certificate_folder_of_the_environment(
    secure: Sandbox, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(ConnectionFailedError, match=f"trusted authorities are those in {name}"):
        ask(secure)


def test_the_first_variable_counts(secure: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CA_VARIABLES[1:]:
        monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    monkeypatch.setenv(CA_VARIABLES[0], secure.ca_file or "")
    ask(secure)
    monkeypatch.setenv(CA_VARIABLES[0], "")  # not set
    with pytest.raises(ConfigurationError, match=CA_VARIABLES[1]):
        ask(secure)
    monkeypatch.setenv(CA_VARIABLES[1], secure.ca_file or "")
    ask(secure)


def test_the_error_names_variables_that_are_ignored(
    secure: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.ca_file or "")
    monkeypatch.setenv("CURL_CA_BUNDLE", secure.ca_file or "")
    with pytest.raises(
        ConnectionFailedError,
        match=r"\), which comes before REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE; for others",
    ):
        ask(secure)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_certificates_that_cannot_be_loaded(
    secure: Sandbox, tmp_path: Path, name: str, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(name, str(file))
    with pytest.raises(ConfigurationError, match=rf"{name} \('.*ca\.pem'\) doesn't name certificates"):
        ask(secure)


def test_an_unknown_authority(secure: Sandbox) -> None:
    with pytest.raises(ConnectionFailedError, match="certifi;") as caught:
        ask(secure)
    assert all(name in str(caught.value) for name in (*CA_VARIABLES, "ssl_context="))
    assert not caught.value.sent


def test_the_callers_tls_context(secure: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/missing.pem")
    ask(secure, ssl.create_default_context(cafile=secure.ca_file))
    with pytest.raises(ConnectionFailedError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        ask(secure, ssl.create_default_context(cadata=None))
    assert "SSL_CERT_FILE" not in str(caught.value), "the environment is ignored"
