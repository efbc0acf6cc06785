"""Large files are transferred in constant memory, measured in a separate process, against a sandbox in another one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.memory import PEAK_MEMORY, needs_proc

SIZE = 512 * 1024 * 1024
LIMIT = 16 * 1024 * 1024

PROGRAM = """
import asyncio, sys
from pathlib import Path
from musicai_sdk import AsyncMusicAiClient, MusicAiClient

colour, source, target = sys.argv[1:]
if colour == "sync":
    with MusicAiClient() as client:
        # Once with a small file, so that all code is loaded and every buffer made.
        client.files.download(client.files.upload(bytes(3_000_000)).url, target)
        before = peak_memory()
        url = client.files.upload(source).url
        up = peak_memory()
        size = client.files.download(url, target).size
else:
    async def main() -> tuple[int, int, int]:
        async with AsyncMusicAiClient() as client:
            await client.files.download((await client.files.upload(bytes(3_000_000))).url, target)
            before = peak_memory()
            url = (await client.files.upload(source)).url
            return before, peak_memory(), (await client.files.download(url, target)).size
    before, up, size = asyncio.run(main())
print(size, up - before, peak_memory() - before)
"""


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """A sandbox in its own process, because only the client's memory is measured."""
    command = [sys.executable, "-u", "-m", "musicai_sdk.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            found = dict[str, str]()
            while len(found) < 2:
                line = sandbox.stdout.readline()
                assert line, "the sandbox didn't start"
                if match := re.search(r"(MUSIC_AI_(?:API_KEY|BASE_URL))=(\S+)", line):
                    found[match[1]] = match[2]
            yield {**os.environ, **found}
        finally:
            sandbox.terminate()
            sandbox.wait(20)


@needs_proc
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_512_mb(
    environment: dict[str, str], tmp_path: Path, colour: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "large.wav"
    with source.open("wb") as file:
        file.truncate(SIZE)
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        PEAK_MEMORY + PROGRAM,
        colour,
        str(source),
        str(tmp_path / "copy.wav"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    size, up, both = map(int, done.stdout.split())
    with capsys.disabled():
        print(
            f"\n{colour}: 512 MB raise the peak by {up / 2**20:.1f} MB up, {both / 2**20:.1f} MB up and down"
        )
    assert size == SIZE
    assert both < LIMIT
