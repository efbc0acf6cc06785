"""pytest fixtures for code that uses the Music.AI API: the sandbox and its clients.

pytest loads them if the package is installed with its sandbox (`pip install "musicai-sdk[sandbox]"`):

```python
def test_chords(musicai_client, musicai_sandbox):
    job = musicai_client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
    assert musicai_sandbox.requests[-1].status == 200
```

One server runs for the whole session, started by the first test that uses it; before each test its jobs, files, faults
and requests are cleared. Each process of pytest-xdist has its own server.

Code that creates its own client uses the sandbox too: `musicai_sandbox` sets `MUSIC_AI_API_KEY` and
`MUSIC_AI_BASE_URL` for the test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicai_sdk import AsyncMusicAiClient, MusicAiClient
    from musicai_sdk.sandbox import Sandbox

__all__ = ["async_musicai_client", "musicai_client", "musicai_sandbox"]


@pytest.fixture(scope="session")
def _running_musicai_sandbox() -> Iterator[Sandbox]:
    # Imported here because pytest loads this plugin in every project of the environment.
    from musicai_sdk.sandbox import Sandbox

    with Sandbox(seed=0) as sandbox:
        yield sandbox


@pytest.fixture
def musicai_sandbox(_running_musicai_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The Music.AI API on this machine, without jobs; the key and URL in the environment point to it."""
    sandbox = _running_musicai_sandbox
    sandbox.reset()
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    yield sandbox
    sandbox.reset()


@pytest.fixture
def musicai_client(musicai_sandbox: Sandbox) -> Iterator[MusicAiClient]:
    """A synchronous client of the sandbox."""
    with musicai_sandbox.client() as client:
        yield client


@pytest.fixture
def async_musicai_client(musicai_sandbox: Sandbox) -> AsyncMusicAiClient:
    """An asynchronous client of the sandbox. Use it with `async with`, which closes it on its event loop."""
    return musicai_sandbox.async_client()
