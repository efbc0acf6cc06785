"""A track, tried again while its trouble may pass."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any, Protocol

from musicai_sdk.batch.engine.account import Account
from musicai_sdk.batch.engine.failures import (
    FATAL,
    after_failure,
    described,
    pause,
    short_of_files,
    strange,
    transient,
)
from musicai_sdk.batch.engine.other_runs import OtherRuns
from musicai_sdk.batch.engine.steps import Draining, Pipeline, RunFailed
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.events import EventKind
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.ledger import Overtaken
from musicai_sdk.batch.ledger.states import ANSWERED, FETCHABLE, JOBLESS, State
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.errors import ConnectionFailedError, NotFoundError, StatusError

_OUTAGE = 900.0
"""For how many seconds a service that this run has reached may be out of reach, until the run ends."""


_SHORT_PAUSES = 3
"""After how many pauses they grow no longer while no files can be opened."""
_FORGOTTEN = 60.0
"""Seconds without such trouble after which it is another one."""


class Emit(Protocol):
    """Tells an event of a track."""

    def __call__(self, kind: EventKind, track: Track, message: str = "") -> None:
        """Tells it."""


class RetryPolicy:
    """The pipeline, and what becomes of a track that fails in it."""

    def __init__(
        self,
        pipeline: Pipeline,
        journal: GroupCommit,
        settings: RunOptions,
        emit: Emit,
        account: Account,
        others: OtherRuns,
    ) -> None:
        self._account = account
        self._others = others
        self._pipeline = pipeline
        self._journal = journal
        self._settings = settings
        self._emit = emit
        self._reached = False
        """Whether this run has had anything from the service."""
        self._unreachable_since: float | None = None
        self._short_since = self._short_at = float("-inf")
        """Since when, and when last, no files could be opened."""
        self._got_to = Counter[State]()
        """How many tracks an answer of the service has brought to a state."""

    async def run(self, track: Track) -> None:
        """Takes a track as far as it goes; what would stop every other track too is raised."""
        while True:
            await self._account.check()
            await self._others.wait_for(track)
            try:
                await self._run(track)
            except Overtaken:
                # Where another run has got with it is read before anything else is done.
                await self._others.reload(track)
            else:
                return

    async def _run(self, track: Track) -> None:
        tries = pages = others = shortages = 0
        while True:
            try:
                await self._pipeline.advance(track)
                if track.state != "uncertain" or not self._settings.retry_uncertain:
                    return
                error: Exception | None = None
            except (Draining, Overtaken, RunFailed, LedgerError, *FATAL) as raised:
                if isinstance(raised, Draining):
                    return
                raise
            except Exception as raised:  # noqa: BLE001 - one failure never stops the rest
                error = raised
            if short_of_files(error):
                shortages += 1
                self._end_if_short(error)
                self._emit(
                    "retry",
                    track,
                    "no more files can be opened just now: fewer transfers at a time need fewer",
                )
                await asyncio.sleep(pause(min(shortages, _SHORT_PAUSES)))
                continue
            tries += 1
            if isinstance(error, StatusError) and not strange(error):
                pages = 0
                self._heard()
            elif isinstance(error, ConnectionFailedError) and _is_services(track, error):
                self._end_if_out_of_reach(error, tries)
                self._emit("retry", track, described(error)[1])
                await asyncio.sleep(pause(tries))
                continue
            again = tries < self._settings.max_attempts and (error is None or transient(error))
            if error is not None and track.state in JOBLESS:
                if isinstance(error, NotFoundError):
                    raise RunFailed from error  # no such address: every other track would hear the same
                if strange(error):
                    # So it would this, if it comes again and again, and no other track gets through the same step.
                    through = self._got_to["uploaded" if track.state == "seen" else "created"]
                    pages, others = pages + 1 if others == through else 1, through
                    if pages >= self._settings.max_attempts:
                        raise RunFailed from error
            if error is not None:
                await self._note(track, error, again=again)
            if not again:
                return
            await asyncio.sleep(pause(tries))

    def moved(self, before: State | None, after: State) -> None:
        """Takes note of a track's new state: some only the service's answer brings, long before a track is through."""
        if (before, after) in ANSWERED:
            self._got_to[after] += 1
            self._heard()

    def _heard(self) -> None:
        self._reached, self._unreachable_since = True, None

    def _end_if_short(self, error: Exception | None) -> None:
        """Ends a run that can't open files for too long. All tracks stay as they are for the next run."""
        now = time.monotonic()
        if now - self._short_at > _FORGOTTEN:
            self._short_since = now
        self._short_at = now
        if now - self._short_since > _OUTAGE:
            raise RunFailed from error

    def _end_if_out_of_reach(self, error: ConnectionFailedError, tries: int) -> None:
        """Ends a run that can't reach the service at all: no track's fault. All stay as they are for the next run."""
        since = self._unreachable_since = self._unreachable_since or time.monotonic()
        never = not self._reached and tries >= self._settings.max_attempts
        if never or time.monotonic() - since > _OUTAGE:
            raise RunFailed from error

    async def _note(self, track: Track, error: Exception, *, again: bool) -> None:
        code, message = described(error)
        if track.state == "verified":
            # The results are safe; only the job at the service is left over, and the next run tries that
            # again.
            self._emit("warning", track, f"its job can't be deleted: {message}")
            return
        if track.state == "failed":
            # It isn't known what a retry would begin with, and it has failed of something else.
            self._emit("warning", track, f"its job can't be asked for: {message}")
            return
        columns: dict[str, Any] = {
            "error_code": code,
            "error_message": message,
            "attempts": track.attempts + 1,
        }
        if again:
            await self._journal.move(track, track.state, **columns)
            self._emit("retry", track, message)
        else:
            state, more = after_failure(track, error)
            await self._journal.move(track, state, **columns, **more, ended_at=time.time())


def _is_services(track: Track, error: ConnectionFailedError) -> bool:
    """Whether it is the service that can't be reached, and no host that only this track needs.

    Each job says itself where its results are: a host that isn't there is that job's, and the track fails of it, which
    every run goes on with. Where uploads go is the same for all, and every track would fail of it.
    """
    return not error.sent and (error.channel != "storage" or track.state not in FETCHABLE)
