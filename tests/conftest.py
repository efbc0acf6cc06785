"""Fixtures: one sandbox for the session, clean for every test, and a client of each colour."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import numpy as np
import pytest
from hypothesis import settings

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk._core import lost_keys
from musicai_sdk.sandbox import Sandbox
from support.colours import Colour, awaited, finish

# The sandbox loads it in a thread, and hypothesis, which reads sys.modules, must not find it half loaded.
assert np.__version__

# A slow machine must not fail a test.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")

SONGS = Path(__file__).parent / "songs"

LONGEST = (
    "simulation/test_batch",
    "batch/engine/test_recovery_exactly_once",
    "platforms/test_hostile_platform",
    "packaging/test_lowest_versions",
    "core/test_content",
    "project/test_chaos",
    "test_job_search_coverage",
    "conformance/test_schema",
    "sandbox/test_sandbox_load",
    "testing/test_fresh_environment",
)
"""The files that take longest. They start first, so that no process works on one of them alone at the end."""

Connect = Callable[..., MusicAiClient]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(SONGS.parent).with_suffix("").as_posix()
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _no_stored_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests and their processes don't find the key of the person who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(autouse=True)
def _forget_lost_keys() -> None:
    """Each test is a process of its own: many use one sandbox and one key."""
    lost_keys.forget_all()


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    yield running_sandbox
    running_sandbox.reset()


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> Colour:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def connect(colour: Colour, sandbox: Sandbox) -> Iterator[Connect]:
    """Creates clients of the test's colour, by default of the sandbox. They are closed after the test."""
    with asyncio.Runner() as runner:
        made = list[MusicAiClient]()

        def make(**settings: Any) -> MusicAiClient:
            settings = {"api_key": sandbox.api_key, "base_url": sandbox.base_url, **settings}
            client = (
                MusicAiClient(**settings)
                if colour == "sync"
                else awaited(AsyncMusicAiClient(**settings), runner)
            )
            made.append(client)
            return client

        yield make
        for client in made:
            client.close()


@pytest.fixture
def client(connect: Connect) -> MusicAiClient:
    """A client. Tests run once with each colour."""
    return connect()


@pytest.fixture(scope="session")
def trust() -> ssl.SSLContext:
    """The usual certificates. Loading them takes longer than most tests."""
    return httpx.create_ssl_context()


@pytest.fixture(params=[None, httpx, httpx2], ids=["own", "given", "given2"])
def each_client(
    request: pytest.FixtureRequest, connect: Connect, colour: Colour, trust: ssl.SSLContext
) -> Iterator[MusicAiClient]:
    """A client with its own connections, and clients with a given HTTP client of either library."""
    library = request.param
    if library is None:
        yield connect(max_retries=2)
    elif colour == "sync":
        with library.Client(verify=trust) as http:
            yield connect(http_client=http, max_retries=2)
    else:
        http = library.AsyncClient(verify=trust)
        client = connect(http_client=http, max_retries=2)
        yield client
        finish(client, http.aclose())


@pytest.fixture
def song() -> Path:
    """A short song with known chords."""
    return SONGS / "band0.ogg"
