"""Other runs of the same ledger.

Normally the lock excludes them. Where locks don't work, two runs still don't pay twice.

In the ledger, each track belongs to the run that changed it last. A run changes a track only if the track is still in
the state that the run knows (compare and set), so only one of two runs can send a POST. A run doesn't touch the tracks
of another run until that run has ended, its process is dead, or, for a run on another machine, its heartbeat has
stopped for a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from musicai_sdk.batch.ledger.ledger import Journal, RunRow
from musicai_sdk.batch.ledger.processes import describe, liveness
from musicai_sdk.batch.ledger.states import SAFE
from musicai_sdk.batch.ledger.track import COLUMNS, Track

HEARTBEAT = 5.0
"""Seconds between two heartbeats."""
_SILENT = 60.0
"""Seconds without a heartbeat after which a run on another machine counts as dead."""
_POLL_EVERY = 0.5


class OtherRuns:
    """Keeps this run away from the tracks of other living runs."""

    def __init__(self, journal: Journal, own: str, warn: Callable[[str], object]) -> None:
        self._journal = journal
        self._own = own
        self._warn = warn
        self._ended = set[str]()
        self._beats = dict[str, tuple[float, float]]()
        """The latest heartbeat of each run on another machine, and the local time when it was first seen."""
        self._warned = set[str]()

    async def wait_for(self, track: Track) -> None:
        """Waits while another live run works on a track, and then reloads the track."""
        while await self.is_alive(track.run):
            await asyncio.sleep(_POLL_EVERY)
            await self.reload(track)
            if track.state in SAFE:
                return

    async def is_alive(self, run: str | None) -> bool:
        """Whether `run` is another run that, as far as this process can know, is alive."""
        if run is None or run == self._own or run in self._ended:
            return False
        row = await self._journal.read(lambda ledger: ledger.run_row(run))
        if row is None or row.ended_at is not None or self._is_dead(row):
            self._ended.add(run)
            return False
        if run not in self._warned:
            self._warned.add(run)
            self._warn(
                f"another run, {describe(row.process)}, is working on this ledger although the lock should keep it out:"
                " its tracks are left to it until it ends"
            )
        return True

    async def reload(self, track: Track) -> None:
        """Updates a track from the ledger."""
        now = await self._journal.read(lambda ledger: ledger.track(track.key))
        for name in COLUMNS:
            setattr(track, name, getattr(now, name))

    def _is_dead(self, row: RunRow) -> bool:
        found = liveness(row.id, row.process)
        if found != "unknown":
            return found == "dead"
        now = time.monotonic()
        beat, since = self._beats.setdefault(row.id, (row.beat_at, now))
        if beat != row.beat_at:
            self._beats[row.id] = row.beat_at, now
            return False
        return now - since >= _SILENT


async def send_heartbeats(journal: Journal) -> None:
    """Records regularly that this run is alive. So a run detects the loss of its ledger or lock even while it is idle.

    Raises:
        LedgerError: the ledger or its lock is gone.
    """
    while True:
        await asyncio.sleep(HEARTBEAT)
        await journal.write(lambda ledger: ledger.heartbeat())
