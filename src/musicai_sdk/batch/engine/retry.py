"""Decides what follows a failed step: another try, a failed track, or the end of the run."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from musicai_sdk.batch.budget import OverBudget
from musicai_sdk.batch.engine.decide import repeats_post
from musicai_sdk.batch.engine.failures import (
    FATAL,
    Draining,
    ResultsLost,
    RunFailed,
    after_failure,
    describe,
    from_elsewhere,
    pause,
    short_of_files,
    transient,
)
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.events import EventKind
from musicai_sdk.batch.ledger.ledger import Journal
from musicai_sdk.batch.ledger.states import ANSWERED, FETCHABLE, JOBLESS, SAFE, State
from musicai_sdk.batch.ledger.track import Overtaken, Track
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.errors import ConnectionFailedError, NotFoundError, StatusError

_OUTAGE = 900.0
"""Seconds for which a service that has answered in this run may be unreachable before the run ends."""
_SHORTAGE_PAUSES = 3
"""The number of pauses that grow while no file descriptor is free. Later ones are as long as the last of these."""
_SHORTAGE_OVER = 60.0
"""Seconds without a shortage of file descriptors after which the next one counts as new."""
_PASSED_ON = (Draining, OverBudget, Overtaken, ResultsLost, RunFailed, LedgerError, *FATAL)
"""Errors that aren't failures of the track."""


Emit = Callable[[EventKind, Track, str], object]
"""Reports an event of a track, with a message."""


class RetryPolicy:
    """Runs the steps of a track, and decides what follows when one fails."""

    def __init__(
        self,
        advance: Callable[[Track], Coroutine[Any, Any, None]],
        journal: Journal,
        options: RunOptions,
        emit: Emit,
    ) -> None:
        self._advance = advance
        self._journal = journal
        self._options = options
        self._emit = emit
        self._reached = False
        """Whether this run has had any answer from the service."""
        self._unreachable_since: float | None = None
        self._short_since = self._short_at = float("-inf")
        """The times when the current shortage of file descriptors began, and when it was last seen."""
        self._arrived = Counter[State]()
        """The number of tracks that reached a state through an answer of the service."""

    async def run(self, track: Track) -> None:
        """Processes a track as far as possible in this run.

        Raises:
            RunFailed: every other track would fail too.
            LedgerError: the ledger can't be used.
            Draining: the run is ending. `OverBudget`, `Overtaken`, `ResultsLost` and the `FATAL` errors are passed on too.
        """
        tries = pages = others = shortages = 0
        while True:
            error: Exception | None = None
            try:
                await self._advance(track)
                if track.state != "uncertain" or not repeats_post(track.state, self._options, absent=False):
                    return
            except _PASSED_ON:
                raise
            except Exception as raised:  # noqa: BLE001 - one failure never stops the rest
                error = raised
            if short_of_files(error):
                shortages += 1
                self._end_after_shortage(error)
                self._emit(
                    "retry",
                    track,
                    "no file descriptor is free: run fewer parallel transfers, or raise the limit",
                )
                await asyncio.sleep(pause(min(shortages, _SHORTAGE_PAUSES)))
                continue
            tries += 1
            if isinstance(error, StatusError) and not from_elsewhere(error):
                pages = 0
                self._note_answer()
            elif isinstance(error, ConnectionFailedError) and _is_service_down(track, error):
                self._end_after_outage(error, tries)
                self._emit("retry", track, describe(error)[1])
                await asyncio.sleep(pause(tries))
                continue
            again = tries < self._options.max_attempts and (error is None or transient(error))
            if error is not None and track.state in JOBLESS:
                if isinstance(error, NotFoundError):
                    raise RunFailed from error  # every other track would get the same answer
                if from_elsewhere(error):
                    # If such pages keep coming and no other track gets past this step, every track would get them.
                    through = self._arrived["uploaded" if track.state == "seen" else "created"]
                    pages, others = pages + 1 if others == through else 1, through
                    if pages >= self._options.max_attempts:
                        raise RunFailed from error
            if error is not None:
                await self._record(track, error, again=again)
            if not again:
                return
            await asyncio.sleep(pause(tries))

    def note_move(self, before: State | None, after: State) -> None:
        """Notes a track's new state. Some states prove that the service answers, long before a track is done."""
        if (before, after) in ANSWERED:
            self._arrived[after] += 1
            self._note_answer()

    def _note_answer(self) -> None:
        self._reached, self._unreachable_since = True, None

    def _end_after_shortage(self, error: Exception | None) -> None:
        """Ends a run that has had no free file descriptor for too long. The next run continues all tracks."""
        now = time.monotonic()
        if now - self._short_at > _SHORTAGE_OVER:
            self._short_since = now
        self._short_at = now
        if now - self._short_since > _OUTAGE:
            raise RunFailed from error

    def _end_after_outage(self, error: ConnectionFailedError, tries: int) -> None:
        """Ends a run that can't reach the service. The next run continues all tracks."""
        since = self._unreachable_since = self._unreachable_since or time.monotonic()
        never = not self._reached and tries >= self._options.max_attempts
        if never or time.monotonic() - since > _OUTAGE:
            raise RunFailed from error

    async def _record(self, track: Track, error: Exception, *, again: bool) -> None:
        code, message = describe(error)
        if track.state in SAFE:
            # The next run tries again. If the error was about the track's results, the track is in
            # `Pipeline.unchecked`.
            self._emit(
                "warning", track, f"its results can't be checked, or its job can't be deleted: {message}"
            )
            return
        if track.state == "failed":
            # The track failed before for another reason, and the state in which to continue is unknown.
            self._emit("warning", track, f"the service can't be asked about its job: {message}")
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


def _is_service_down(track: Track, error: ConnectionFailedError) -> bool:
    """Whether the service is unreachable, as opposed to a host that only this track needs.

    Each job's result names its own host. If that host is unreachable, only the track fails, and every run continues it.
    All tracks upload to the same host, so if that host is unreachable, every track would fail.
    """
    return not error.sent and (error.channel != "storage" or track.state not in FETCHABLE)
