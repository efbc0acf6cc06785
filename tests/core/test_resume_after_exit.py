"""A process that ends during a download leaves a part that the next process resumes, and no partial target."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musicai_sdk import MusicAiClient
from musicai_sdk.sandbox import Sandbox

CONTENT = bytes(range(256)) * 12_345
ROUTE = "GET /moises-sandbox/*"

SYNC = """
import sys
from musicai_sdk import MusicAiClient
with MusicAiClient() as client:
    client.files.download(*sys.argv[1:])
"""
ASYNC = """
import asyncio, sys
from musicai_sdk import AsyncMusicAiClient
async def main():
    async with AsyncMusicAiClient() as client:
        await client.files.download(*sys.argv[1:])
asyncio.run(main())
"""


@pytest.mark.parametrize("program", [SYNC, ASYNC], ids=["sync", "async"])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_the_next_process_resumes(
    sandbox: Sandbox, tmp_path: Path, program: str, end: signal.Signals
) -> None:
    with sandbox.client() as client:
        url = client.files.upload(CONTENT).url
        target = tmp_path / "song.wav"
        part = tmp_path / "song.wav.part"
        sandbox.faults.add(ROUTE, drip=2_000_000, times=1)
        variables = {"MUSIC_AI_API_KEY": sandbox.api_key, "MUSIC_AI_BASE_URL": sandbox.base_url}
        process = subprocess.Popen(
            [sys.executable, "-c", program, url, target],
            env={**os.environ, **variables},
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 60
        while not part.exists() or part.stat().st_size < 1_000_000:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(end)
        _, errors = process.communicate(timeout=60)
        assert process.returncode != 0
        assert (b"KeyboardInterrupt" in errors) == (end is signal.SIGINT)
        assert not target.exists()
        there = part.stat().st_size

        _goes_on(client, sandbox, url, target, there)


def _goes_on(client: MusicAiClient, sandbox: Sandbox, url: str, target: Path, there: int) -> None:
    client.files.download(url, target)
    assert target.read_bytes() == CONTENT
    ranges = [entry.headers.get("range") for entry in sandbox.requests if entry.method == "GET"]
    assert ranges[-1] == f"bytes={there}-"
    assert [path.name for path in target.parent.iterdir()] == ["song.wav"]
