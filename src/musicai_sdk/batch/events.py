"""What a run tells while it goes on: events, and a snapshot to draw a progress display from."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

from musicai_sdk._text import without_query
from musicai_sdk.batch.ledger.states import UNSETTLED, State
from musicai_sdk.batch.ledger.track import Track

EventKind: TypeAlias = Literal[
    "started", "state", "retry", "skipped", "duplicate", "rejected", "warning", "draining", "ended"
]
"""`state` a track changed its state, on disk by now · `retry` it will be tried again · `skipped` an earlier
run finished
`count` inputs · `duplicate` its content is another input's of this run · `rejected` an input can't be
processed · `warning` something
that isn't a track's, such as a poll that failed · `started`, `draining`, `ended` the run itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened."""

    kind: EventKind
    """What happened."""
    source: str = ""
    """The input: a path, or a URL without its query."""
    state: State | None = None
    """The track's state now."""
    message: str = ""
    """What to tell a person: the reason of a failure, a warning, a rejection."""
    code: str | None = None
    """The failure's code."""
    job_id: str | None = None
    """The track's job, once there is one."""
    folder: str | None = None
    """Where its results go, relative to the output folder."""
    attempts: int = 0
    """How often it has failed."""
    count: int = 1
    """How many inputs this is about; more than 1 for `skipped` only, which a large catalogue has too many of."""
    at: float = field(default_factory=time.time)
    """Seconds since 1970."""

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON; what is empty is left out."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", 0)}


@dataclass(slots=True)
class InFlight:
    """A track that something is done with now."""

    source: str
    """The input: a path, or a URL without its query."""
    state: State
    """The track's state."""
    since: float
    """When it came into this state, in seconds since 1970."""
    moved: int = 0
    """Bytes uploaded or downloaded in this state."""
    total: int | None = None
    """Bytes in all, when known."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, at one moment."""

    states: Mapping[State, int]
    """Tracks of the ledger by state."""
    known: int
    """Inputs met so far: those done, under way or waiting, without those rejected."""
    complete: bool
    """Whether all inputs have been met: `known` won't grow any more."""
    done: int
    """Inputs of this run whose results are there, those of earlier runs included."""
    failed: int
    """Tracks that failed or are uncertain, in this run or before."""
    skipped: int
    """Inputs that an earlier run had finished."""
    duplicates: int
    """Inputs with the content of another one of this run: they share its job."""
    rejected: int
    """Inputs that can't be processed."""
    bytes_uploaded: int
    """Bytes sent to the service in this run."""
    bytes_downloaded: int
    """Bytes fetched in this run."""
    seconds: float
    """Since the run began."""
    rate: float
    """Tracks finished a second, over the last minute."""
    eta: float | None
    """Seconds until all known inputs are done at that rate; None when it can't be told."""
    draining: bool
    """Whether the run is coming to its end early."""
    active: tuple[InFlight, ...] = ()
    """What is in flight, the oldest first."""
    missing: int = 0
    """Those of `skipped` whose results aren't there any more: `Report.damaged` lists them."""


def redacted(source: str) -> str:
    """A source that is safe to show: signatures stand in a URL's query."""
    if "://" not in source or ("?" not in source and "#" not in source and "@" not in source):
        return source
    return without_query(source).removesuffix("?…")


def storable(text: str) -> str:
    """A text as a database takes it: half a character, from a wrong encoding, is a question mark."""
    return text if text.isascii() else text.encode(errors="replace").decode()


@dataclass(slots=True)
class ProgressTracker:
    """The figures of a run as it goes."""

    states: dict[State, int]
    began: float = field(default_factory=time.monotonic)
    known: int = 0
    complete: bool = False
    done: int = 0
    skipped: int = 0
    duplicates: int = 0
    rejected: int = 0
    missing: int = 0
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
        """Notes that something is done with a track from now on."""
        self.active[track.key] = InFlight(redacted(track.source), track.state, time.time())

    def skip(self, count: int, missing: int = 0) -> None:
        """Counts inputs that an earlier run had finished, some of which don't have their results any more."""
        self.done += count - missing
        self.skipped += count
        self.missing += missing

    def snapshot(self) -> Progress:
        """The figures now."""
        now = time.monotonic()
        while self._recent and self._recent[0] < now - 60:
            self._recent.popleft()
        span = min(60.0, max(now - self.began, 0.001))
        rate = len(self._recent) / span
        failed = sum(self.states.get(state, 0) for state in UNSETTLED)
        left = self.known - self.done - self.duplicates - failed - self.missing
        return Progress(
            states={state: count for state, count in dict(self.states).items() if count},
            known=self.known,
            complete=self.complete,
            done=self.done,
            failed=failed,
            skipped=self.skipped,
            duplicates=self.duplicates,
            rejected=self.rejected,
            bytes_uploaded=self.bytes_uploaded,
            bytes_downloaded=self.bytes_downloaded,
            seconds=now - self.began,
            rate=rate,
            eta=max(0, left) / rate if rate and self.complete else None,
            draining=self.draining,
            missing=self.missing,
            active=tuple(sorted(self.active.values(), key=lambda each: each.since)),
        )


def summed(own: Progress, parts: Sequence[Progress]) -> Progress:
    """The figures of all shards together."""
    states = Counter[State](own.states)
    for part in parts:
        states.update(part.states)

    def total(name: str) -> Any:
        return getattr(own, name) + sum(getattr(part, name) for part in parts)

    sums = (
        "known",
        "done",
        "failed",
        "skipped",
        "duplicates",
        "rejected",
        "missing",
        "bytes_uploaded",
        "bytes_downloaded",
        "rate",
    )
    totals: dict[str, Any] = {name: total(name) for name in sums}
    complete = own.complete and all(part.complete for part in parts)
    left = totals["known"] - sum(totals[name] for name in ("done", "duplicates", "failed", "missing"))
    eta = max(0, left) / totals["rate"] if complete and totals["rate"] else None
    return replace(own, states=dict(states), complete=complete, eta=eta, **totals)
