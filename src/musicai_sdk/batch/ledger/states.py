"""The states of a track: one table that everything else reads, and the changes of state that can happen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

State: TypeAlias = Literal[
    "seen",
    "uploaded",
    "creating",
    "uncertain",
    "created",
    "finished",
    "downloaded",
    "verified",
    "deleted",
    "failed",
]
"""How far a track is, in the order of its life.

`seen` its content is known · `uploaded` the service has it · `creating` a paid POST may be under way, its
idempotency key is on disk · `uncertain` the answer of that POST was lost and the job isn't listed · `created`
the job's id is known · `finished` the job succeeded · `downloaded` its files are here · `verified` and their
sizes and digests are recorded · `deleted` the job is gone from the service · `failed` with a code and a
message.
"""

STATES: tuple[State, ...] = get_args(State)
"""All states, in the order of a track's life. These names stand in ledgers and in JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateInfo:
    """What holds for every track in one state."""

    label: str
    """The state in a person's words."""
    explained: str
    """The same at length, for the help of the commands that print the state's name."""
    doing: str = ""
    """What a run does with such a track now; empty if nothing."""
    next: frozenset[State]
    """The states that can follow. A track can also change without leaving its state."""
    jobless: bool = False
    """No job is known: what comes next is sending the input, or looking for a lost job."""
    open_post: bool = False
    """A paid POST may have been received, and its answer isn't known."""
    fetchable: bool = False
    """There is a job whose results can be fetched, which costs nothing."""
    safe: bool = False
    """The results are on disk and verified."""
    unsettled: bool = False
    """The track is left as it is until a run is told to try it again; people are told why."""

    @property
    def paid(self) -> bool:
        """Whether money is or may be spent, and the results aren't safe yet: every run goes on with the track."""
        return self.open_post or self.fetchable


def _may_become(*states: State) -> frozenset[State]:
    return frozenset(states)


TABLE: Mapping[State, StateInfo] = {
    "seen": StateInfo(
        label="waiting",
        explained="it waits to be uploaded",
        doing="uploading",
        jobless=True,
        # `uncertain`: the ledger is an older copy, and what was done since isn't known; likewise below.
        next=_may_become("uploaded", "uncertain", "failed"),
    ),
    "uploaded": StateInfo(
        label="uploaded",
        explained="the service has the file",
        doing="waiting",
        jobless=True,
        # `created`: the job of an earlier POST was found after all.
        next=_may_become("creating", "created", "uncertain", "failed"),
    ),
    "creating": StateInfo(
        label="being created",
        explained="its job is about to be created, or just was",
        doing="creating",
        jobless=True,
        open_post=True,
        # `uploaded`: the service refused it.
        next=_may_become("created", "uncertain", "uploaded"),
    ),
    "uncertain": StateInfo(
        label="uncertain",
        explained="whether its job was created isn't known",
        doing="looking for its job",
        jobless=True,
        open_post=True,
        unsettled=True,
        next=_may_become("created", "creating"),
    ),
    "created": StateInfo(
        label="at the service",
        explained="its job is at the service",
        doing="processing",
        fetchable=True,
        next=_may_become("finished", "failed"),
    ),
    "finished": StateInfo(
        label="to be downloaded",
        explained="its job has succeeded; its files are to be downloaded",
        doing="downloading",
        fetchable=True,
        next=_may_become("downloaded", "failed"),
    ),
    "downloaded": StateInfo(
        label="to be checked",
        explained="its files are here, and aren't checked yet",
        doing="verifying",
        fetchable=True,
        # `finished`: another track had written to its folder, in a ledger of 2.0.0 or older.
        next=_may_become("verified", "finished", "failed"),
    ),
    "verified": StateInfo(
        label="done, job kept",
        explained="done: the results are here, and the job is kept",
        doing="deleting its job",
        safe=True,
        # `finished`, `downloaded`: its results are damaged or in doubt, and its job still has them.
        next=_may_become("deleted", "finished", "downloaded"),
    ),
    "deleted": StateInfo(
        label="done",
        explained="done: the results are here, and the job is deleted",
        safe=True,
        next=_may_become(),
    ),
    "failed": StateInfo(
        label="failed",
        explained="with a code and a message: musicai batch failures",
        unsettled=True,
        next=_may_become("seen", "uploaded", "created", "finished", "downloaded"),
    ),
}
"""What holds in each state. The order is that of `STATES`."""

JOBLESS: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].jobless)
"""States in which no job is known."""
OPEN: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].open_post)
"""States in which a paid POST may have been received, and nobody has its answer."""
FETCHABLE: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].fetchable)
"""States with a job whose results can be fetched: a run also goes on with what failed there."""
PAID: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].paid)
"""States in which money is or may be spent and the results aren't safe yet: a run goes on with all of these."""
SAFE: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].safe)
"""States in which the results are here."""
UNSETTLED: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].unsettled)
"""States that people are told of: the track doesn't get results without being asked for again."""
UNDER_WAY: tuple[State, ...] = tuple(state for state in PAID if state not in UNSETTLED)
"""States of tracks that are paid for and haven't got stuck."""
BEST_FIRST: tuple[State, ...] = (
    *reversed([state for state in STATES if state not in UNSETTLED]),
    *(state for state in STATES if state in UNSETTLED),
)
"""All states as a chart has them: what is done first, what is stuck last."""

ANSWERED: frozenset[tuple[State | None, State]] = frozenset(
    {
        ("seen", "uploaded"),
        ("creating", "created"),
        ("uncertain", "created"),
        ("created", "finished"),
        ("verified", "deleted"),
    }
)
"""Changes of state that only an answer of the service brings."""


def transition(before: State, after: State) -> State:
    """The state after a change, if that change can happen.

    Raises:
        RuntimeError: it can't. That is a mistake in this package, and nothing may be written that rests on it.
    """
    if after != before and after not in TABLE[before].next:
        raise RuntimeError(f"a track can't go from {before!r} to {after!r}: please report this")
    return after


def sql(states: Iterable[State]) -> str:
    """States as the right side of `IN` in a statement: a closed set of names, so nothing has to be escaped."""
    return f"({', '.join(repr(state) for state in states)})"
