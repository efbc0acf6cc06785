"""A download that is interrupted or cancelled at its end: the target is a complete file, and can be used at once."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from support.answering import Asked, answering, whole

CONTENT = bytes(range(256)) * 2_000


@pytest.fixture(params=[[], ['ETag: "1"']], ids=["unknown version", "known version"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A file of which parts can be resumed, or not."""

    def answer(asked: Asked, connection: socket.socket) -> object:
        connection.sendall(whole(CONTENT, *request.param))
        return True

    with answering(answer) as origin:
        yield f"{origin}/x.bin"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    target = tmp_path / "x.bin"
    target.write_bytes(b"the former file")
    return target


def interrupt_once(monkeypatch: pytest.MonkeyPatch, name: str, ending: str, *, after: bool) -> None:
    """Raises `KeyboardInterrupt` before or after a function of `os` handles a path with this ending."""
    function: Callable[..., Any] = getattr(os, name)
    struck = list[bool]()

    def call(*arguments: Any, **options: Any) -> Any:
        strikes = not struck and str(arguments[-1]).endswith(ending)
        struck.extend([True] * strikes)
        if strikes and not after:
            raise KeyboardInterrupt
        result = function(*arguments, **options)
        if strikes:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(os, name, call)


def test_after_the_rename(
    client: MusicAiClient, url: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_once(monkeypatch, "replace", "x.bin", after=True)
    with pytest.raises(KeyboardInterrupt):
        client.files.download(url, target)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["x.bin"]


def test_before_the_rename(
    client: MusicAiClient, url: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_once(monkeypatch, "replace", "x.bin", after=False)
    with pytest.raises(KeyboardInterrupt):
        client.files.download(url, target)
    assert target.read_bytes() == b"the former file"
    client.files.download(url, target)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["x.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows, the interrupted call's file is still open")
def test_while_the_part_is_locked(
    client: MusicAiClient, url: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_once(monkeypatch, "lstat", ".part", after=False)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.files.download(url, target)
    client.files.download(url, target)
    assert caught.traceback, "which holds the frames of the first call"
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["x.bin"]


@pytest.mark.parametrize("url", [[]], indirect=True)
def test_a_cancelled_call_replaces_nothing(url: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although its thread was waiting for the disk when it was cancelled."""
    begun, may_end = threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        begun.set()
        assert may_end.wait(60)
        fsync(descriptor)

    def await_removal() -> None:
        deadline = time.monotonic() + 60
        while target.with_name("x.bin.part").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    async def main() -> None:
        async with AsyncMusicAiClient("k") as client:
            task = asyncio.create_task(client.files.download(url, target))
            assert await asyncio.to_thread(begun.wait, 60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            may_end.set()
            await asyncio.to_thread(await_removal)

    monkeypatch.setattr(os, "fsync", slow)
    asyncio.run(main())
    assert target.read_bytes() == b"the former file"
