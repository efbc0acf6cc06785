"""The ledger for coroutines: writes that meet are committed together, off the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.ledger.track import Track

_OWN = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError)
"""What SQLite says of a write's values; everything else that it says is about the file."""

T = TypeVar("T")
Moved = Callable[[Track, State], object]
"""Called with a track and the state it was in, after a change is on disk."""


@dataclass(slots=True)
class _Write:
    work: Callable[[Ledger], Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class GroupCommit:
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
        """Runs `work` in a transaction; returns what it returns, when that is durable.

        Raises:
            LedgerError: the ledger can't be written.
            Exception: what `work` raises; then nothing of it is written, but everything that met it is.
        """
        write = _Write(work, asyncio.get_running_loop().create_future())
        self._waiting.append(write)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        # Cancelling the track that asked doesn't take back what is being written.
        return await asyncio.shield(write.done)

    async def move(self, track: Track, state: State, **changes: Any) -> None:
        """Moves a track to a state, in memory when that is on disk.

        Raises:
            Overtaken: another run has changed it meanwhile. Nothing is written.
            LedgerError: the ledger can't be written.
        """
        before, written = track.state, replace(track)

        def work(ledger: Ledger) -> None:
            ledger.change(written, state, **changes)

        await self.write(work)
        for name in ("state", "run", *changes):
            setattr(track, name, getattr(written, name))
        self._moved(track, before)

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Runs `work`, which only reads, between two transactions.

        Raises:
            LedgerError: the ledger can't be read.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._ledger)
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger {str(self._ledger.path)!r} can't be read: {error}") from error

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
                    write.error = error
            for write in writes:
                if write.done.cancelled():
                    continue
                if write.error is None:
                    write.done.set_result(write.result)
                else:
                    write.done.set_exception(write.error)
                    write.done.exception()  # it may be that nobody waits any more
        self._flushing = None

    def _commit(self, writes: list[_Write]) -> None:
        try:
            with self._ledger.transaction() as db:
                for write in writes:
                    # One that can't be written, such as a text that isn't valid, takes no other along.
                    db.execute("SAVEPOINT write")
                    try:
                        write.result = write.work(self._ledger)
                    except Exception as error:
                        if isinstance(error, sqlite3.Error) and not isinstance(error, _OWN):
                            raise
                        write.error = error
                        db.execute("ROLLBACK TO write")
                    db.execute("RELEASE write")
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger {str(self._ledger.path)!r} can't be written: {error}") from error
