"""pytest fixtures for code that uses the Music.AI API: the sandbox, and clients of it.

They are there wherever the package is installed with its sandbox (`pip install "musicai-sdk[sandbox]"`):

```python
def test_chords(musicai_client, musicai_sandbox):
    job = musicai_client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
    assert musicai_sandbox.requests[-1].status == 200
```

One server runs for the whole session, from the first test that asks for it; before each test it forgets its jobs, files,
faults and requests. A test process of its own, as with pytest-xdist, has a server of its own.

Code that makes its own client finds the sandbox too: while a test has `musicai_sandbox`, `MUSIC_AI_API_KEY` and
`MUSIC_AI_BASE_URL` point at it.
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
    # Not at the top: whoever installs the package has this plugin loaded, and mustn't pay for it.
    from musicai_sdk.sandbox import Sandbox

    with Sandbox(seed=0) as sandbox:
        yield sandbox


@pytest.fixture
def musicai_sandbox(_running_musicai_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The Music.AI API on this machine, empty; the environment's key and URL are its."""
    sandbox = _running_musicai_sandbox
    sandbox.reset()
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)
    yield sandbox
    sandbox.reset()


@pytest.fixture
def musicai_client(musicai_sandbox: Sandbox) -> Iterator[MusicAiClient]:
    """A client of the sandbox."""
    with musicai_sandbox.client() as client:
        yield client


@pytest.fixture
def async_musicai_client(musicai_sandbox: Sandbox) -> AsyncMusicAiClient:
    """An async client of the sandbox. Use it with `async with`, which closes it on the loop that it was used on."""
    return musicai_sandbox.async_client()
