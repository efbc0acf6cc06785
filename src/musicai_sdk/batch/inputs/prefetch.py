"""Passes inputs from an iterator that may block to an event loop that must not block."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator

from musicai_sdk.batch.inputs.row import Candidate

CHUNK = 1000
"""The most inputs that are looked up in the ledger together."""
_AHEAD = 2 * CHUNK


class Prefetcher:
    """Reads an iterator in a thread, a limited number of items ahead, and returns what has arrived in chunks.

    The thread is a daemon: an iterator that blocks forever can't keep the process alive.
    """

    def __init__(self, items: Callable[[], Iterator[Candidate | None]]) -> None:
        self._items = items
        self._loop = asyncio.get_running_loop()
        self._room = threading.Condition()
        self._ready = deque[Candidate]()
        self._arrived = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None
        self._stopped = False
        threading.Thread(target=self._read, name="musicai-inputs", daemon=True).start()

    async def next(self) -> list[Candidate]:
        """The items that arrived since the last call, at least one; empty at the end.

        Raises:
            InputError: the inputs can't be read at all. Errors of the caller's iterator are raised too.
        """
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            ended = self._ended
            chunk = [self._ready.popleft() for _ in range(min(CHUNK, len(self._ready)))]
            with self._room:
                if self._ready or self._ended:
                    self._arrived.set()
                self._room.notify()
            if chunk:
                return chunk
            if ended:
                break
        if self._error is not None:
            raise self._error
        return []

    def stop(self) -> None:
        """Stops reading after the item that the iterator is about to yield."""
        with self._room:
            self._stopped = True
            self._room.notify()

    def _read(self) -> None:
        try:
            for item in self._items():
                if item is not None:
                    self._ready.append(item)
                    if len(self._ready) == 1:
                        self._wake()
                    elif len(self._ready) >= _AHEAD:
                        with self._room:
                            self._room.wait_for(lambda: self._stopped or len(self._ready) < _AHEAD)
                if self._stopped:
                    return
        except BaseException as error:  # noqa: BLE001 - `next` raises it
            self._error = error
        finally:
            with self._room:
                self._ended = True
            self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:
            self._stopped = True  # the event loop was closed
