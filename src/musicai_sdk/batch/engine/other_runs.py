"""Other runs of the same ledger: there should be none, and where a lock has locked nothing they don't pay twice.

Each track belongs in the ledger to the run that has changed it last. Every change is made on the condition that the track
still is as this run knows it (compare and set), so of two runs only one can send a POST. A run leaves the tracks of
another one alone until that one has ended, its process is dead, or, on another machine, hasn't written to the ledger for
a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import fields

from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import Ledger, RunRow
from musicai_sdk.batch.ledger.processes import described, liveness
from musicai_sdk.batch.ledger.states import SAFE
from musicai_sdk.batch.ledger.track import Track

BEAT_EVERY = 5.0
"""After how many seconds a run says in the ledger that it is alive."""
SILENT = 60.0
"""After how many seconds without that a run counts as dead whose process can't be looked at from here."""
_LOOK_EVERY = 0.5


class OtherRuns:
    """Keeps this run's hands off what other living runs work on."""

    def __init__(self, journal: GroupCommit, own: str, warn: Callable[[str], object]) -> None:
        self._journal = journal
        self._own = own
        self._warn = warn
        self._gone = set[str]()
        self._beats = dict[str, tuple[float, float]]()
        """The last word of runs elsewhere, and since when, on our clock, it has been that."""
        self._told = set[str]()

    async def wait_for(self, track: Track) -> None:
        """Waits while another living run works on a track; then the track is as that run has left it."""
        while track.run is not None and track.run not in {self._own, *self._gone}:
            if not await self.works(track.run):
                return
            await asyncio.sleep(_LOOK_EVERY)
            await self.reload(track)
            if track.state in SAFE:
                return

    async def works(self, run: str | None) -> bool:
        """Whether another run is alive, as far as that can be known."""
        if run is None or run == self._own or run in self._gone:
            return False

        def look(ledger: Ledger) -> RunRow | None:
            return ledger.run_row(run)

        row = await self._journal.read(look)
        if row is None or row.ended_at is not None or self._is_dead(row):
            self._gone.add(run)
            return False
        if run not in self._told:
            self._told.add(run)
            self._warn(
                f"another run, {described(row.process)}, is working on this ledger, although a lock should keep it out:"
                " its tracks are left to it until it ends"
            )
        return True

    async def reload(self, track: Track) -> None:
        """Brings a track to what the ledger says of it now."""
        now = await self._journal.read(lambda ledger: ledger.track(track.key))
        for each in fields(Track):
            setattr(track, each.name, getattr(now, each.name))

    def _is_dead(self, row: RunRow) -> bool:
        found = liveness(row.id, row.process)
        if found != "unknown":
            return found == "dead"
        now = time.monotonic()
        beat, since = self._beats.setdefault(row.id, (row.beat_at, now))
        if beat != row.beat_at:
            self._beats[row.id] = row.beat_at, now
            return False
        return now - since >= SILENT


async def send_heartbeats(journal: GroupCommit) -> None:
    """Says again and again that this run is alive; also notices in quiet times that the ledger or its lock is gone.

    Raises:
        LedgerError: it is.
    """
    while True:
        await asyncio.sleep(BEAT_EVERY)
        await journal.write(lambda ledger: ledger.heartbeat())
