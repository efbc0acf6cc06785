"""Which requests go through a proxy of the environment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk._io.proxies import proxy_for
from musicai_sdk.errors import ConnectionFailedError
from support.listening import Listener

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    listener = Listener()
    monkeypatch.setenv("http_proxy", listener.origin)
    yield listener
    listener.close()


@pytest.mark.parametrize(
    ("entries", "url", "direct"),
    [
        ("*", "https://api.example/v1", True),
        ("other.example, *", "https://api.example/v1", True),
        ("api.example", "https://api.example/v1", True),
        ("API.example.", "https://api.example/v1", True),
        ("example", "https://api.example/v1", True),
        (".example", "https://api.example/v1", True),
        ("*.example", "https://api.example/v1", True),
        ("xample", "https://api.example/v1", False),
        ("api.example:443", "https://api.example/v1", True),
        ("api.example:8443", "https://api.example/v1", False),
        ("api.example:8443", "https://api.example:8443/v1", True),
        ("https://api.example", "https://api.example/v1", True),
        ("192.168.7.1", "https://192.168.7.1/v1", True),
        ("192.168.0.0/16", "https://192.168.7.1/v1", True),
        ("192.168.7.1/16", "https://192.168.9.9/v1", True),
        ("10.0.0.0/8", "https://192.168.7.1/v1", False),
        ("fd00::1", "https://[fd00::1]/v1", True),
        ("[fd00::1]", "https://[fd00::1]/v1", True),
        ("[fd00::1]:8443", "https://[fd00::1]:8443/v1", True),
        ("[fd00::1]:8443", "https://[fd00::1]/v1", False),
        ("fd00::/8", "https://[fd00::1]/v1", True),
        ("fe80::1%eth0, fd00::/8", "https://[fd00::1]/v1", True),
        ("fd00::/8", "https://192.168.7.1/v1", False),
        ("::1", "https://api.example/v1", False),
        ("https://api.example/v1", "https://api.example/v1", True),
        ("api.example/", "https://api.example/v1", True),
        ("http://[::1, ;api.example;", "https://api.example/v1", True),
    ],
)
def test_entries_of_no_proxy(entries: str, url: str, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("no_proxy", entries)
    assert proxy_for(url) == (None if direct else PROXY)


ODD = [
    *(
        "::1",
        "[::1]",
        "[::1",
        "::1]:80",
        "fe80::1%lo",
        "::ffff:10.0.0.1/96",
        "fd00::/8",
        "1.2.3.4/33",
        "10.*",
    ),
    *(
        "a b c",
        ",,,",
        "[",
        "]",
        "://",
        "http://[",
        "x:y:z",
        "host:99999",
        "*.",
        ".",
        "é.example",
        "%zz",
        "\t",
    ),
]


@pytest.mark.parametrize("entry", ODD)
def test_invalid_entries_of_no_proxy_are_ignored(
    proxy: Listener, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", entry)
    with MusicAiClient("key", base_url="http://music.example/v1", allow_http=True, max_retries=0) as client:
        assert client.application.get().name == "Default Application"

    async def main() -> None:
        async with AsyncMusicAiClient(
            "key", base_url="http://music.example/v1", allow_http=True, max_retries=0
        ) as client:
            assert (await client.application.get()).name == "Default Application"

    asyncio.run(main())
    assert [head.partition("\r\n")[0] for head in proxy.heads] == [
        "GET http://music.example/v1/application HTTP/1.1"
    ] * 2


def test_an_exempt_host_is_reached_directly(proxy: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "fd00::/8 music.invalid")
    with MusicAiClient("key", base_url="http://music.invalid/v1", allow_http=True, max_retries=0) as client:
        with pytest.raises(ConnectionFailedError, match="can't connect"):
            client.application.get()
        client.base_url = "http://music.example/v1"
        assert client.application.get().name == "Default Application"
    assert len(proxy.heads) == 1


@pytest.mark.parametrize("text", [PROXY, f" {PROXY}\n", "proxy.example:3128 "])
def test_white_space_around_a_proxy(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("https_proxy", text)
    assert proxy_for("https://api.example/v1") == PROXY
