"""The reports of a running batch: events, and snapshots for a progress display."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

from musicai_sdk.batch.ledger.states import UNSETTLED, State
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.text import redacted

EventKind: TypeAlias = Literal[
    "started", "state", "retry", "skipped", "duplicate", "rejected", "warning", "budget", "draining", "ended"
]
"""`state` the new state of a track, which is on disk · `retry` a step will be tried again · `skipped` an earlier run
finished `count` inputs · `duplicate` an input has the same content as another one of this run · `rejected` an input can't
be processed · `warning` a problem, such as a failed poll, that fails no track · `budget` the budget is reached, or doesn't
allow the job of one track, which waits · `started`, `draining`, `ended` the stages of the run itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run."""

    kind: EventKind
    """What happened."""
    source: str = ""
    """The input: a path, or a URL without its query."""
    state: State | None = None
    """The track's new state."""
    message: str = ""
    """A text for people: the reason of a failure, a warning or a rejection."""
    code: str | None = None
    """The failure's code."""
    job_id: str | None = None
    """The track's job, if there is one."""
    folder: str | None = None
    """The folder of its results, relative to the output folder."""
    attempts: int = 0
    """How often a step failed."""
    count: int = 1
    """The number of inputs; more than 1 only for `skipped`, because large catalogues skip too many for single events."""
    at: float = field(default_factory=time.time)
    """Seconds since 1970."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without empty fields."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", 0)}


@dataclass(slots=True)
class InFlight:
    """A track that is being processed."""

    source: str
    """The input: a path, or a URL without its query."""
    state: State
    """The track's state."""
    since: float
    """When it entered this state, in seconds since 1970."""
    moved: int = 0
    """Bytes uploaded or downloaded in this state."""
    total: int | None = None
    """Bytes to transfer, if known."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run at one moment."""

    states: Mapping[State, int]
    """Tracks of the ledger by state."""
    known: int
    """Inputs read so far: done, in progress or waiting. Rejected ones don't count."""
    complete: bool
    """Whether all inputs were read, so that `known` is final."""
    done: int
    """Inputs of this run that have their results, those of earlier runs included."""
    failed: int
    """Tracks that failed or are uncertain, in this run or earlier."""
    skipped: int
    """Inputs that an earlier run finished."""
    duplicates: int
    """Inputs with the same content as another one of this run: they share its job."""
    rejected: int
    """Inputs that can't be processed."""
    bytes_uploaded: int
    """Bytes sent to the service in this run."""
    bytes_downloaded: int
    """Bytes fetched in this run."""
    seconds: float
    """Seconds since the run began."""
    rate: float
    """Tracks finished per second, over the last minute."""
    eta: float | None
    """Seconds until all known inputs are done at that rate; None if unknown."""
    draining: bool
    """Whether the run is ending early."""
    active: tuple[InFlight, ...] = ()
    """The tracks in flight, the oldest first."""
    missing: int = 0
    """Those of `skipped` whose results are missing: `Report.damaged` lists them."""
    waiting: int = 0
    """Inputs that have no job because the budget doesn't allow it. When it is reached, the run counts the rest for at
    most half a minute."""
    unmeasured: int = 0
    """Those of `waiting` with audio of an unknown length, which `max_minutes` or `max_cost` would need."""
    budget: str = ""
    """The limit that keeps the run from paying for more, such as `max_jobs=100 is reached`; empty if there is none."""


_COUNTED = (
    *("known", "done", "skipped", "duplicates", "rejected", "missing", "waiting", "unmeasured"),
    *("bytes_uploaded", "bytes_downloaded"),
)
"""The figures that a tracker counts, and that those of shards add to."""


@dataclass(slots=True)
class ProgressTracker:
    """Counts the progress of a run."""

    states: dict[State, int]
    began: float = field(default_factory=time.monotonic)
    known: int = 0
    complete: bool = False
    done: int = 0
    skipped: int = 0
    duplicates: int = 0
    rejected: int = 0
    missing: int = 0
    waiting: int = 0
    unmeasured: int = 0
    budget: str = ""
    bytes_uploaded: int = 0
    bytes_downloaded: int = 0
    draining: bool = False
    active: dict[str, InFlight] = field(default_factory=dict[str, InFlight])
    _recent: deque[float] = field(default_factory=deque[float])

    def moved(self, track: Track, before: State | None) -> None:
        """Counts a track's change of state."""
        if before is not None:
            self.states[before] = self.states.get(before, 0) - 1
        self.states[track.state] = self.states.get(track.state, 0) + 1
        if track.key in self.active:
            self.enter(track)
        if track.state == "verified":
            self._recent.append(time.monotonic())

    def enter(self, track: Track) -> None:
        """Adds a track to those in flight, in its present state."""
        self.active[track.key] = InFlight(redacted(track.source), track.state, time.time())

    def skip(self, count: int, missing: int = 0) -> None:
        """Counts inputs that an earlier run finished, and how many of those lack their results now."""
        self.done += count - missing
        self.skipped += count
        self.missing += missing

    def snapshot(self) -> Progress:
        """The progress now."""
        now = time.monotonic()
        while self._recent and self._recent[0] < now - 60:
            self._recent.popleft()
        progress = Progress(
            **{name: getattr(self, name) for name in _COUNTED},
            states={state: count for state, count in dict(self.states).items() if count},
            failed=sum(self.states.get(state, 0) for state in UNSETTLED),
            seconds=now - self.began,
            rate=len(self._recent) / min(60.0, max(now - self.began, 0.001)),
            eta=None,
            complete=self.complete,
            draining=self.draining,
            budget=self.budget,
            active=tuple(sorted(self.active.values(), key=lambda each: each.since)),
        )
        return replace(progress, eta=_eta(progress))


def summed(own: Progress, parts: Sequence[Progress]) -> Progress:
    """The progress of a run together with that of its shards."""
    states = Counter[State](own.states)
    for part in parts:
        states.update(part.states)
    totals: dict[str, Any] = {
        name: sum(getattr(each, name) for each in (own, *parts)) for name in (*_COUNTED, "failed", "rate")
    }
    complete = own.complete and all(part.complete for part in parts)
    budget = next((each.budget for each in (own, *parts) if each.budget), "")
    progress = replace(own, states=dict(states), complete=complete, budget=budget, **totals)
    return replace(progress, eta=_eta(progress))


def _eta(progress: Progress) -> float | None:
    """Seconds until the known inputs are done at the current rate; None if unknown."""
    if not progress.complete or not progress.rate:
        return None
    settled = progress.done + progress.duplicates + progress.failed + progress.missing + progress.waiting
    return max(0, progress.known - settled) / progress.rate
