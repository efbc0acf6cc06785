"""A client of `musicai_sdk.compat` against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from musicai_sdk.compat import MusicAiClient
from musicai_sdk.sandbox import Sandbox


@pytest.fixture
def music_ai(sandbox: Sandbox) -> Iterator[MusicAiClient]:
    with MusicAiClient(sandbox.api_key, 0.05, base_url=sandbox.base_url) as client:
        yield client
