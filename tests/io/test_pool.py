"""Clients that are dropped without being closed: one warning, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from musicai_sdk.sandbox import Sandbox

PROGRAM = """
import asyncio, copy, gc, os, sys
from musicai_sdk import AsyncMusicAiClient, MusicAiClient

def use(client=None):
    client = client or MusicAiClient()
    client.application.get()
    client.files.download(client.files.upload(b"audio").url, sys.argv[2])  # a second connection
    return client

async def use_async():
    client = AsyncMusicAiClient()
    await client.application.get()
    await client.files.download((await client.files.upload(b"audio")).url, sys.argv[2])
    return client

async def drop():
    await use_async()
    gc.collect()
    await asyncio.sleep(0.05)

match sys.argv[1]:
    case "dropped":
        use()
    case "in a cycle":
        client = use()
        client.itself = client
        del client
    case "at the end":
        kept = use()
    case "two":
        client = use()
        other = use(copy.copy(client))
        client.close()
        del client, other
    case "async, in its loop":
        asyncio.run(drop())
    case "async, after its loop":
        asyncio.run(use_async())
    case "async, at the end":
        kept = asyncio.run(use_async())
    case "fork":
        client = use()
        if os.fork() == 0:
            use(client)
            del client
            gc.collect()
            sys.exit()
        os.wait()
        client.close()
    case "idle fork":
        client = use()
        if os.fork() == 0:
            sys.exit()
        os.wait()
        client.close()
    case "closed":
        use().close()
    case "unused":
        MusicAiClient(), AsyncMusicAiClient()
gc.collect()
"""
DROPPED = ["dropped", "in a cycle", "at the end", "two"]
DROPPED_ASYNC = ["async, in its loop", "async, after its loop", "async, at the end"]
QUIET = ["idle fork", "closed", "unused"]


@pytest.mark.parametrize("case", [*DROPPED, *DROPPED_ASYNC, "fork", *QUIET])
def test_a_dropped_client_warns_once(sandbox: Sandbox, tmp_path: Path, case: str) -> None:
    if "fork" in case and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    environment = {
        **os.environ,
        "MUSIC_AI_API_KEY": sandbox.api_key,
        "MUSIC_AI_BASE_URL": sandbox.base_url,
        "PYTHONWARNINGS": "always",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, case, str(tmp_path / "copy")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    warned = [line for line in done.stderr.splitlines() if "Warning: " in line and "tracemalloc" not in line]
    expected = (
        [] if case in QUIET else ["a Music.AI client was left open: use it in a `with` block, or close it"]
    )
    assert [line.partition("Warning: ")[2] for line in warned] == expected
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr
    assert done.returncode == 0
