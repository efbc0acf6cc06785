"""Requests on the wire: URLs, proxies, compression, passwords in URLs, repeated headers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from musicai_sdk import JsonFile, MusicAiClient
from musicai_sdk._io.http import build
from musicai_sdk._io.protocol import Request
from musicai_sdk.errors import ConfigurationError, ConnectionFailedError, TransferError
from musicai_sdk.sandbox import Sandbox
from support.listening import ANSWER, Listener

Connect = Callable[..., MusicAiClient]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def test_a_proxy_of_the_environment_is_used(
    connect: Connect, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", listener.origin)
    monkeypatch.setenv("no_proxy", "direct.example")
    client = connect(base_url="http://music.example/v1", allow_http=True)
    assert client.application.get().name == "Default Application"
    assert listener.heads[0].startswith("GET http://music.example/v1/application HTTP/1.1\r\n")


def test_no_proxy_is_respected(
    connect: Connect, listener: Listener, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", listener.origin)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert connect().application.get().id
    assert (len(sandbox.requests), listener.heads) == (1, [])


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compressed_answers_are_read(client: MusicAiClient, sandbox: Sandbox, coding: str) -> None:
    sandbox.faults.add("GET /application", compress=coding)  # type: ignore[arg-type]
    assert client.application.get().name
    assert sandbox.requests[-1].headers["accept-encoding"] == "gzip, deflate"


def test_requests_on_the_wire(connect: Connect, listener: Listener, tmp_path: Path) -> None:
    client = connect(base_url=f"{listener.origin}/v1", user_agent="mine/1")
    with client.record() as exchanges:
        client.application.get(headers={"accept-encoding": "identity"})
        client.files.download(listener.origin.replace("//", "//user:p%40ss@") + "/a b?c=ü", tmp_path / "x")
    api, storage = listener.heads
    assert api.startswith("GET /v1/application HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "accept-encoding: identity\r\n" in api
    assert api.lower().count("accept-encoding") == 1
    assert "User-Agent: mine/1\r\n" in api
    assert storage.startswith("GET /a%20b?c=%C3%BC HTTP/1.1\r\nHost: 127.0.0.1:")
    assert f"Authorization: Basic {base64.b64encode(b'user:p@ss').decode()}\r\n" in storage
    assert (tmp_path / "x").read_bytes() == ANSWER
    assert exchanges[0].headers["x-twice"] == "a, b"
    assert exchanges[0].headers["x-name"] == "café"


_TEXTS = st.lists(
    st.sampled_from(
        ["a", "Z", "0", ".", "..", "/", "//", "?", "#", ":", "@", "[", "]", "\\", "%", "%2F", "%2e", "%zz"]
    )
    | st.characters(max_codepoint=0x17F),
    max_size=12,
).map("".join)


@given(
    st.sampled_from(["http", "HTTPS", "ftp"]),
    st.sampled_from(["a.example", "A-1.Example:80", "1.2.3.4:8080"]),
    _TEXTS,
)
@example("https", "bucket.example", "/a/b%2Fc.wav?X-Amz-Signature=0a1b&X-Amz-Credential=A%2F1%2fs3&e=a/b?c")
@example("https", "bucket.example", "/a/./../b")
@example("https", "bucket.example", "/.hidden/%2e%2e/b")
@example("https", "bucket.example", "")
@example("https", "bucket.example", "/?")
@example("https", "user:pass@bucket.example", "/a")
@example("https", "[::1]:443", "/a")
@example("https", "999.1.1.1", "/a")
@example("https", "bucket.example:99999999", "/a")
@example("https", "bucket.example", "/" + "a" * 70_000)
def test_a_url_is_parsed_as_by_httpx(scheme: str, host: str, rest: str) -> None:
    """Without its parser, for a plain URL."""

    def parsed(parse: Callable[[str], httpx.URL]) -> object:
        try:
            url = parse(f"{scheme}://{host}{rest}")
        except httpx.InvalidURL as error:
            return str(error)
        return str(url), url.raw_scheme, url.userinfo, url.raw_host, url.port, url.raw_path, url.fragment

    assert parsed(lambda text: build(Request("storage", "GET", text)).url) == parsed(httpx.URL)


UNUSABLE = {
    "newline": "http://127.0.0.1/a\n.mp3?sig=5e5e",
    "tab": "http://127.0.0.1/a\t.mp3?sig=5e5e",
    "NUL": "http://127.0.0.1/a\0.mp3?sig=5e5e",
    "DEL": "http://127.0.0.1/a.mp3?sig=5e5e\x7f",
    "surrogate": "http://127.0.0.1/a\ud83d.mp3?sig=5e5e",
    "emoji host": "http://\N{SNOWMAN}.invalid/a.mp3?sig=5e5e",
    "empty label": "http://a..b/a.mp3?sig=5e5e",
    "long label": f"http://{'a' * 70}.invalid/a.mp3?sig=5e5e",
    "no Punycode": "http://xn--zzzz-/a.mp3?sig=5e5e",
    "long query": f"http://127.0.0.1/a.mp3?sig=5e5e&x={'b' * 70_000}",
}
"""URLs that can't be requested."""


@pytest.mark.parametrize("url", UNUSABLE)
def test_a_url_that_cannot_be_used(each_client: MusicAiClient, tmp_path: Path, url: str) -> None:
    with pytest.raises((TransferError, ConnectionFailedError)) as downloaded:
        each_client.files.download(UNUSABLE[url], tmp_path / "a", max_retries=0)
    with pytest.raises((TransferError, ConnectionFailedError)) as read:
        each_client.files.read(JsonFile[Any](UNUSABLE[url]), max_retries=0)
    for error in (downloaded.value, read.value):
        assert "5e5e" not in f"{error} {vars(error)}"
        assert len(str(error)) < 400


@pytest.mark.parametrize("url", ["http://127.0.0.1/a\n?sig=5e5e", "http://a..b/?sig=5e5e"])
def test_an_upload_url_that_cannot_be_used(each_client: MusicAiClient, sandbox: Sandbox, url: str) -> None:
    sandbox.faults.add("GET /upload", body={"uploadUrl": url, "downloadUrl": url})
    with pytest.raises((TransferError, ConnectionFailedError)) as caught:
        each_client.files.upload(b"RIFF", max_retries=0)
    assert "5e5e" not in f"{caught.value} {vars(caught.value)}"


def test_a_base_url_that_cannot_be_used(connect: Connect) -> None:
    with pytest.raises(ConfigurationError, match="can't be sent"):
        connect(base_url="https://a..b/v1").application.get()
