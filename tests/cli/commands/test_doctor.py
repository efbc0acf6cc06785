"""`musicai doctor`, against servers and proxies that are broken in one way each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from musicai_sdk._doctor import _fits
from support.cli import Command
from support.listening import Listener
from support.raw_server import RawServer, Received
from support.tls_server import https_server

KEY = "27803abe-ec15-4f74-9e8a-18a99627e9b0"
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
CHECKS = {
    "versions", "extras", "base URL", "proxies", "certificates", "connection", "clock", "key", "jobs",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (
        *CA_VARIABLES,
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "MUSIC_AI_API_KEY_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def examine(command: Command, *arguments: str, **variables: str) -> dict[str, Any]:
    """The findings that aren't ok, by check. People and programs get the same ones."""
    arguments = ("doctor", *arguments)
    variables = {"MUSIC_AI_API_KEY": KEY, **variables}
    done = command.here(*arguments, "--json", code=1, **variables)
    text = command.here(*arguments, code=1, **variables)
    assert KEY not in done.stdout + done.stderr + text.stdout + text.stderr
    found = {value["check"]: value for value in done.values}
    assert len(found) == len(done.values)
    assert found.keys() == CHECKS or list(found) == ["versions", "extras", "base URL"]
    for check, value in found.items():
        line = next(line for line in text.stdout.splitlines() if line.split(maxsplit=1)[1].startswith(check))
        assert line.startswith(value["level"])
        assert (value["level"] == "problem") <= bool(value["advice"])
        assert value["advice"] in text.stdout
    return {check: value for check, value in found.items() if value["level"] != "ok"}


def test_all_is_well(musicai_there: Command) -> None:
    done = musicai_there("doctor", "--json")
    assert {value["check"] for value in done.values} == CHECKS
    assert {value["level"] for value in done.values} == {"ok"}
    text = musicai_there("doctor").stdout
    for word in (
        "Python 3.",
        "httpx 0.",
        "pydantic 2.",
        "tenacity 9.",
        "MUSIC_AI_API_KEY",
        "Default Application",
    ):
        assert word in text
    assert musicai_there.service.variables["MUSIC_AI_API_KEY"] not in text
    assert musicai_there.service.jobs() == []


# --- key and base URL


def test_no_key(musicai_there: Command) -> None:
    found = examine(musicai_there, MUSIC_AI_API_KEY="")
    assert found.keys() == {"key", "jobs"}
    assert "no API key" in found["key"]["text"]
    assert "musicai login" in found["key"]["advice"]


def test_a_wrong_key(musicai_there: Command) -> None:
    found = examine(musicai_there)
    assert found.keys() == {"key", "jobs"}
    assert "refuses the key …e9b0 from the environment variable MUSIC_AI_API_KEY" in found["key"]["text"]
    assert "musicai login" in found["key"]["advice"]


@pytest.mark.parametrize(
    ("text", "words"),
    [(f"Bearer {KEY}", "'Bearer'"), ("", "is empty"), (b"\xff", "isn't text"), (None, "can't be read")],
)
def test_a_key_file_without_a_key(musicai_there: Command, text: str | bytes | None, words: str) -> None:
    path = musicai_there.folder / "key"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = examine(musicai_there, "--key-file", "key")
    assert words in found["key"]["text"]
    assert "the key file 'key'" in found["key"]["text"]


def test_stored_keys(musicai_there: Command) -> None:
    right = musicai_there.service.variables["MUSIC_AI_API_KEY"]
    musicai_there.here("login", "--stdin", text=right)
    assert "credentials.json" in musicai_there.here("doctor", MUSIC_AI_API_KEY="").stdout
    file = musicai_there.folder / "config" / "musicai" / "credentials.json"
    file.chmod(0o640)
    assert f"chmod 600 {file}" in examine(musicai_there, MUSIC_AI_API_KEY="")["key"]["text"]


@pytest.mark.parametrize("key", [KEY, ""])
@pytest.mark.parametrize("url", ["nonsense", "", "http://music.example/v1", "https://h/v1?query"])
def test_a_base_url_that_is_none(musicai_there: Command, url: str, key: str) -> None:
    found = examine(musicai_there, "--base-url", url, MUSIC_AI_API_KEY=key)
    assert found.keys() == {"base URL"}
    assert "--base-url" in found["base URL"]["advice"]
    assert "allow_http" not in found["base URL"]["text"]


def test_a_base_url_without_version(musicai_there: Command) -> None:
    variables = musicai_there.service.variables
    found = examine(
        musicai_there,
        MUSIC_AI_API_KEY=variables["MUSIC_AI_API_KEY"],
        MUSIC_AI_BASE_URL=variables["MUSIC_AI_BASE_URL"].removesuffix("/v1"),
    )
    assert found.keys() == {"jobs", "key"}
    assert "/v1" in found["jobs"]["advice"]


def test_nothing_at_the_base_url(musicai_there: Command) -> None:
    found = examine(musicai_there, "--base-url", "http://127.0.0.1:9/v1")
    assert found.keys() == {"connection", "clock", "key", "jobs"}
    assert found["connection"]["level"] == "problem"
    assert "can't connect" in found["connection"]["text"]


def test_a_login_page(musicai_there: Command) -> None:
    with RawServer(lambda request: request.answer(b"<html>", "200 OK", f"Date: {date()}")) as server:
        found = examine(musicai_there, "--base-url", server.url)
    assert "something other than the service" in found["jobs"]["advice"]
    assert "not checked" in found["key"]["text"]


def test_a_redirect(musicai_there: Command) -> None:
    moved = ("302 Found", f"Date: {date()}", "Location: https://login.example/?token=5e5e5e5e")
    with RawServer(lambda request: request.answer(b"", *moved)) as server:
        found = examine(musicai_there, "--base-url", server.url)
    assert found.keys() == {"jobs", "key"}
    assert "correct the base URL" in found["jobs"]["advice"]
    assert "5e5e5e5e" not in str(found)


def test_a_busy_service(musicai_there: Command) -> None:
    with RawServer(lambda request: request.answer(b"{}", "503 Busy", f"Date: {date()}")) as server:
        found = examine(musicai_there, "--base-url", server.url)
    assert found.keys() == {"jobs", "key"}
    assert "later" in found["jobs"]["advice"]
    assert "not checked" in found["key"]["text"]


# --- the clock


def date(**ahead: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(**ahead), usegmt=True)


def answer(request: Received, *headers: str) -> None:
    request.answer(
        b"[]" if request.path.startswith("/job") else b'{"id": "a", "name": "b"}', "200 OK", *headers
    )


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [
        ({"hours": -2}, "problem", "ahead of the service's"),
        ({"days": 400}, "problem", " days, "),
        ({"minutes": 3}, "warning", "behind the service's"),
    ],
)
def test_a_wrong_clock(musicai_there: Command, ahead: dict[str, float], level: str, words: str) -> None:
    with RawServer(lambda request: answer(request, f"Date: {date(**ahead)}")) as server:
        found = examine(musicai_there, "--base-url", server.url)
    assert found.keys() == {"clock"}
    assert found["clock"]["level"] == level
    assert words in found["clock"]["text"]
    assert "set the clock" in found["clock"]["advice"]


@pytest.mark.parametrize("headers", [(), ("Date: yesterday",)])
def test_a_service_without_a_date(musicai_there: Command, headers: tuple[str, ...]) -> None:
    with RawServer(lambda request: answer(request, *headers)) as server:
        assert examine(musicai_there, "--base-url", server.url)["clock"]["level"] == "warning"


# --- certificates


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.mark.parametrize("variable", CA_VARIABLES[:3])
def test_a_certificate_of_an_own_authority(
    musicai_there: Command, authority: trustme.CA, trusted: str, variable: str
) -> None:
    with https_server(authority.issue_cert("127.0.0.1")) as url:
        settings = ("--base-url", url)
        variables = {"MUSIC_AI_API_KEY": KEY, variable: trusted}
        text = musicai_there.here("doctor", *settings, code=0, **variables).stdout
        assert f"those in {variable} ({trusted!r})" in text
        found = examine(musicai_there, *settings)
        assert found.keys() == {"certificates", "connection", "clock", "key", "jobs"}
        assert "those of certifi" in found["certificates"]["text"]
        assert "SSL_CERT_FILE" in found["certificates"]["advice"]


@pytest.mark.parametrize(
    ("host", "validity", "words", "advice"),
    [
        ("other.example", (-1, 1), "mismatch", "the host of the base URL"),
        ("127.0.0.1", (-2, -1), "expired", "clock"),
        ("127.0.0.1", (1, 2), "not yet valid", "clock"),
    ],
)
def test_a_broken_certificate(
    musicai_there: Command,
    authority: trustme.CA,
    trusted: str,
    host: str,
    validity: tuple[int, int],
    words: str,
    advice: str,
) -> None:
    begins, ends = (datetime.now(UTC) + timedelta(days=days) for days in validity)
    with https_server(authority.issue_cert(host, not_before=begins, not_after=ends)) as url:
        found = examine(musicai_there, "--base-url", url, SSL_CERT_FILE=trusted)
    assert found["certificates"]["level"] == "problem"
    assert words in found["certificates"]["text"]
    assert advice in found["certificates"]["advice"]


@pytest.mark.parametrize("variable", CA_VARIABLES[:3])
def test_certificates_that_cannot_be_loaded(musicai_there: Command, variable: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    variables = {variable: str(tmp_path / "empty.pem"), "SSL_CERT_DIR": "/etc"}
    found = examine(musicai_there, **variables)
    assert variable in found["certificates"]["text"]
    assert "empty.pem" in found["certificates"]["text"]
    assert "ignored" in found["certificates"]["text"]


# --- proxies

ELSEWHERE = ("--base-url", "https://music.example/v1")


@pytest.fixture
def proxy() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
def test_a_dead_proxy(musicai_there: Command, name: str, scheme: str) -> None:
    variables = {name: f"{scheme}://someone:pa55word@127.0.0.1:9"}
    found = examine(musicai_there, *ELSEWHERE, **variables)
    assert found.keys() == {"proxies", "connection", "clock", "key", "jobs"}
    assert f"127.0.0.1:9, from the environment variable {name}, doesn't answer" in found["proxies"]["text"]
    assert "NO_PROXY" in found["proxies"]["advice"]
    assert "pa55word" not in str(found)
    assert "someone" not in str(found)


@pytest.mark.parametrize("url", ["ftp://h:1", "http://h:port", "http://[", "http://h:99999"])
def test_a_proxy_that_is_none(musicai_there: Command, url: str) -> None:
    found = examine(musicai_there, *ELSEWHERE, HTTPS_PROXY=url)
    assert "HTTPS_PROXY doesn't hold the URL of a proxy" in found["proxies"]["text"]


def test_a_proxy_that_refuses(musicai_there: Command, proxy: Listener) -> None:
    found = examine(
        musicai_there, *ELSEWHERE, HTTPS_PROXY=proxy.origin.replace("://", "://someone:pa55word@")
    )
    assert found["connection"]["level"] == "problem"
    assert "through the proxy 127.0.0.1" in found["connection"]["text"]
    assert "pa55word" not in str(found)


def test_a_proxy_that_does_not_count(musicai_there: Command) -> None:
    text = musicai_there.here(
        "doctor", HTTPS_PROXY="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9"
    ).stdout
    assert "none for 127.0.0.1, though some are set" in text


# --- versions


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("2.11.0", ">=2.11,<3", True),
        ("2.9", ">=2.11,<3", False),
        ("3.0", "<3,>=2.11", False),
        ("0.28.1rc1", "<0.29,>=0.28", True),
        ("10", "<10,>=9", False),
        ("1", "", True),
    ],
)
def test_bounds_of_versions(version: str, bounds: str, fits: bool) -> None:
    assert _fits(version, bounds) == fits
