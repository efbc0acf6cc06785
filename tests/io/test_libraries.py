"""Clients of httpx and of httpx2 as `http_client=`. `test_content` downloads with both."""

from __future__ import annotations

import logging
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest

from conftest import Connect
from musicai_sdk.errors import ConnectionFailedError, RequestTimeoutError
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.faults.options import FaultOptions
from support.colours import Colour, finish


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_errors_and_logs_of_a_given_client(
    sandbox: Sandbox,
    connect: Connect,
    colour: Colour,
    library: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    http = library.Client() if colour == "sync" else library.AsyncClient()
    client = connect(http_client=http, max_retries=0)
    url = client.files.upload(b"abc").url
    client.files.download(url, tmp_path / "abc")
    faults: list[tuple[FaultOptions, type[Exception]]] = [
        ({"reset": "before"}, ConnectionFailedError),
        ({"delay": 5.0}, RequestTimeoutError),
    ]
    for fault, kind in faults:
        sandbox.faults.add("GET /application", **fault)
        with pytest.raises(kind) as caught:
            client.application.get(request_timeout=0.5)
        sandbox.faults.clear()
        frames = traceback.extract_tb(caught.value.__traceback__)
        assert not [each for each in frames if "site-packages/http" in each.filename]
        assert caught.value.__context__ is None
    # The query of the URL, with its signature.
    assert urlsplit(url).query not in caplog.text
    assert "httpx" in caplog.text
    assert sandbox.api_key not in caplog.text
    if colour == "sync":
        http.close()
    else:
        finish(client, http.aclose())


DEFAULTS: list[dict[str, Any]] = [
    {"auth": ("user", "password")},
    {"headers": {"Authorization": "Bearer theirs"}},
    {"params": {"tenant": "1"}},
]


@pytest.mark.parametrize("defaults", DEFAULTS, ids=lambda defaults: next(iter(defaults)))
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_defaults_of_a_given_client_change_neither_key_nor_signed_urls(
    sandbox: Sandbox, connect: Connect, colour: Colour, library: Any, defaults: dict[str, Any], tmp_path: Path
) -> None:
    http = (library.Client if colour == "sync" else library.AsyncClient)(**defaults)
    client = connect(http_client=http, max_retries=0)
    url = client.files.upload(b"abc").url
    assert client.files.download(url, tmp_path / "abc").size == 3
    assert client.application.get().name
    for entry in sandbox.requests:  # which hide the key
        assert ("authorization" in entry.headers) == entry.path.startswith("/v1/")
    if colour == "sync":
        http.close()
    else:
        finish(client, http.aclose())


def test_httpx2_is_not_loaded_for_a_client_of_httpx() -> None:
    program = "import httpx, sys, musicai_sdk; musicai_sdk.MusicAiClient('k', http_client=httpx.Client());"
    done = subprocess.run(
        [sys.executable, "-c", f"{program} print('httpx2' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


def test_a_program_that_aliases_httpx2_as_httpx(sandbox: Sandbox) -> None:
    program = f"""
import httpx2
httpx2.alias_httpx()
from musicai_sdk import MusicAiClient
with MusicAiClient({sandbox.api_key!r}, base_url={sandbox.base_url!r}) as client:
    print(client.application.get().name, type(next(iter(client._session.io.pool.transports.values()))).__module__)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "Default Application httpx2\n", done.stderr
