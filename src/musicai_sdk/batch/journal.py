"""The ledger for coroutines: writes that meet are committed together, off the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.ledger import Ledger
from musicai_sdk.batch.tracks import State, Track

T = TypeVar("T")
Moved = Callable[[Track, State], object]
"""Called with a track and the state it was in, after a change is on disk."""


@dataclass(slots=True)
class _Write:
    work: Callable[[Ledger], Any]
    done: asyncio.Future[Any]
    result: Any = None


class Journal:
    """Writes to a ledger; each is on disk when its `await` returns.

    A commit costs an fsync, whatever is in it. While one is under way the writes that come wait for the next,
    so that a thousand tracks need no more fsyncs a second than the disk gives.
    """

    def __init__(self, ledger: Ledger, moved: Moved) -> None:
        self._ledger = ledger
        self._moved = moved
        self._waiting = list[_Write]()
        self._flushing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="musicai-ledger")

    async def write(self, work: Callable[[Ledger], T]) -> T:
        """Runs `work` in a transaction; returns what it returns, when that is durable."""
        write = _Write(work, asyncio.get_running_loop().create_future())
        self._waiting.append(write)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        # Cancelling the track that asked doesn't take back what is being written.
        return await asyncio.shield(write.done)

    async def move(self, track: Track, state: State, **changes: Any) -> None:
        """Moves a track to a state."""
        before = track.state

        def work(ledger: Ledger) -> None:
            ledger.change(track, state, **changes)

        await self.write(work)
        self._moved(track, before)

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Runs `work`, which only reads, between two transactions."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._ledger)

    async def close(self) -> None:
        """Waits for what is being written."""
        while self._flushing is not None:
            await asyncio.wait({self._flushing})
        self._thread.shutdown()

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            writes, self._waiting = self._waiting, []
            try:
                await loop.run_in_executor(self._thread, self._commit, writes)
            except Exception as error:  # noqa: BLE001 - everyone who waits gets it
                for write in writes:
                    if not write.done.cancelled():
                        write.done.set_exception(error)
                        write.done.exception()  # it may be that nobody waits any more
            else:
                for write in writes:
                    if not write.done.cancelled():
                        write.done.set_result(write.result)
        self._flushing = None

    def _commit(self, writes: list[_Write]) -> None:
        try:
            with self._ledger.transaction():
                for write in writes:
                    write.result = write.work(self._ledger)
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger {str(self._ledger.path)!r} can't be written: {error}") from error
