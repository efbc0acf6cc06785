"""The ledger for coroutines: commits concurrent writes together, outside the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from musicai_sdk.batch.ledger.connection import LedgerFileError
from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.ledger.track import Track


class Store(Protocol):
    """The methods of a ledger that group commits need."""

    path: Path

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """A durable block of writes."""
        ...

    def change(self, track: Track, state: State, **changes: Any) -> Mapping[str, Any]:
        """Moves a track to a state, on disk. Returns the new values of its fields. Called in a transaction."""
        ...


_PAUSE = 0.01
"""Seconds from one commit to the next. Under load, that collects writes: the CPU time of a commit, two threads included, is
that of ten writes."""

S = TypeVar("S", bound=Store)
T = TypeVar("T")
OnMove = Callable[[Track, State], object]
"""Called with a track and its previous state, after a change is on disk."""


class _Halfway(Exception):  # noqa: N818 - the transaction is repeated
    """A write has failed after its first change."""


@dataclass(slots=True)
class _Write(Generic[S]):
    work: Callable[[S], Any]
    """Called again if another write of the transaction fails halfway."""
    done: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class GroupCommit(Generic[S]):
    """Writes to a ledger. When the `await` of a write returns, the write is on disk.

    Every commit costs an fsync, whatever it contains. Writes that arrive during a commit wait for the next one, so the
    number of fsyncs doesn't grow with the number of tracks.
    """

    def __init__(self, ledger: S, on_move: OnMove) -> None:
        self._ledger = ledger
        self._on_move = on_move
        self._waiting = list[_Write[S]]()
        self._flushing: asyncio.Task[None] | None = None
        self._last = float("-inf")
        """When the last commit began, by the clock of the event loop."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="musicai-ledger")

    @property
    def path(self) -> Path:
        """The ledger's file."""
        return self._ledger.path

    async def write(self, work: Callable[[S], T]) -> T:
        """Runs `work` in a transaction. Returns its result once the transaction is durable.

        `work` runs again if the transaction had to be rolled back.

        Raises:
            LedgerError: the ledger can't be written.
            Exception: the error that `work` raised. None of its changes are written, but the other writes of the commit
                are.
        """
        write = _Write(work, asyncio.get_running_loop().create_future())
        self._waiting.append(write)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        # If the caller is cancelled, the write takes place anyway.
        result: T = await write.done
        return result

    async def move(
        self, track: Track, state: State, also: Callable[[S], object] | None = None, **changes: Any
    ) -> None:
        """Moves a track to a state, first on disk, then in memory.

        Args:
            track: The track.
            state: The new state.
            also: Another write, which takes place after the move in the same transaction.
            **changes: The new values of other columns.

        Raises:
            Overtaken: another run changed the track. Nothing is written.
            LedgerError: the ledger can't be written.
        """
        before = track.state

        def work(ledger: S) -> Mapping[str, Any]:
            changed = ledger.change(track, state, **changes)
            if also is not None:
                also(ledger)
            return changed

        for name, value in (await self.write(work)).items():
            setattr(track, name, value)
        self._on_move(track, before)

    async def read(self, work: Callable[[S], T]) -> T:
        """Runs `work`, which only reads, between two transactions.

        Raises:
            LedgerError: the ledger can't be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._ledger)

    async def close(self) -> None:
        """Waits for running writes."""
        while self._flushing is not None:
            await asyncio.wait({self._flushing})
        self._thread.shutdown()

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            # Exactly 0 if the clock stands still, as in some tests: no sleep would end.
            if 0 < (since := loop.time() - self._last) < _PAUSE:
                await asyncio.sleep(_PAUSE - since)
            self._last = loop.time()
            writes, self._waiting = self._waiting, []
            try:
                await loop.run_in_executor(self._thread, self._commit, writes)
            except Exception as error:  # noqa: BLE001 - every waiting write gets it
                for write in writes:
                    write.error = error
            for write in writes:
                if write.done.cancelled():
                    continue
                if write.error is None:
                    write.done.set_result(write.result)
                else:
                    write.done.set_exception(write.error)
                    write.done.exception()  # perhaps no task waits any more
        self._flushing = None

    def _commit(self, writes: list[_Write[S]]) -> None:
        """Commits writes in one transaction, without those that fail."""
        while not self._commit_all([write for write in writes if write.error is None]):
            pass

    def _commit_all(self, writes: list[_Write[S]]) -> bool:
        """Commits writes in one transaction. Returns False if it was rolled back because one of them failed halfway.

        Few writes fail, and most of those before they have changed anything, so savepoints would cost more than they save.
        """
        with suppress(_Halfway), self._ledger.transaction() as db:
            for write in writes:
                before = db.total_changes
                try:
                    write.result = write.work(self._ledger)
                except Exception as error:
                    if isinstance(error, LedgerFileError):
                        raise
                    write.error = error
                    if db.total_changes != before:
                        raise _Halfway from error
            return True
        return False
