"""The states of a track: the table that everything else reads, and the allowed transitions.

The docstring of `musicai_sdk.batch.ledger` says how to add a state.
"""

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
"""How far a track is, in the order of its processing.

`seen` its content is known · `uploaded` the service has the input · `creating` a paid POST may have been sent, with an
idempotency key that is on disk · `uncertain` the answer to that POST was lost and no job is listed · `created` the job's
id is known · `finished` the job succeeded · `downloaded` its files are downloaded · `verified` they were read back, and
their sizes and digests are recorded · `deleted` and the job was deleted · `failed` with a code and a message.
"""

STATES: tuple[State, ...] = get_args(State)
"""All states, in the order of processing. Ledgers and JSON contain these names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateInfo:
    """The properties of a state."""

    label: str
    """The state in words, for displays and reports."""
    explained: str
    """A longer description, for the help of commands that print the state's name."""
    doing: str = ""
    """What a run is doing with such a track; empty if nothing."""
    next: frozenset[State]
    """The allowed next states. A track may also change without leaving its state."""
    jobless: bool = False
    """No job is known. The next step sends the input, or looks for a lost job."""
    open_post: bool = False
    """A paid POST may have been received, and its answer is unknown."""
    fetchable: bool = False
    """There is a job whose results can be fetched at no cost."""
    safe: bool = False
    """The results are stored and verified."""
    unsettled: bool = False
    """The track needs a decision by the user: a run leaves it unless told to retry, and reports why."""

    @property
    def paid(self) -> bool:
        """Whether money was or may have been spent and the results aren't safe yet. Every run continues such a track."""
        return self.open_post or self.fetchable


def _may_become(*states: State) -> frozenset[State]:
    return frozenset(states)


TABLE: Mapping[State, StateInfo] = {
    "seen": StateInfo(
        label="waiting",
        explained="waiting to be uploaded",
        doing="uploading",
        jobless=True,
        # `uncertain`: the ledger is an older copy, and later changes are unknown; likewise below.
        next=_may_become("uploaded", "uncertain", "failed"),
    ),
    "uploaded": StateInfo(
        label="uploaded",
        explained="the service has the file",
        doing="waiting",
        jobless=True,
        # `created`: the job of an earlier POST was found.
        next=_may_become("creating", "created", "uncertain", "failed"),
    ),
    "creating": StateInfo(
        label="being created",
        explained="its job is being created",
        doing="creating",
        jobless=True,
        open_post=True,
        # `uploaded`: the service refused it.
        next=_may_become("created", "uncertain", "uploaded"),
    ),
    "uncertain": StateInfo(
        label="uncertain",
        explained="whether its job was created is unknown",
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
        explained="its job succeeded; its files must be downloaded",
        doing="downloading",
        fetchable=True,
        next=_may_become("downloaded", "failed"),
    ),
    "downloaded": StateInfo(
        label="to be checked",
        explained="its files are downloaded and must be verified",
        doing="verifying",
        fetchable=True,
        # `finished`: in a ledger of 2.0.0, another track had written to its folder.
        next=_may_become("verified", "finished", "failed"),
    ),
    "verified": StateInfo(
        label="done, job kept",
        explained="done: the results are verified, and the job is kept",
        doing="deleting its job",
        safe=True,
        # `finished`, `downloaded`: its results are damaged or doubtful, and its job still has them.
        next=_may_become("deleted", "finished", "downloaded"),
    ),
    "deleted": StateInfo(
        label="done",
        explained="done: the results are verified, and the job is deleted",
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
"""The properties of each state, in the order of `STATES`."""

JOBLESS: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].jobless)
"""States in which no job is known."""
OPEN: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].open_post)
"""States in which a paid POST may have been received and its answer is unknown."""
FETCHABLE: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].fetchable)
"""States with a job whose results can be fetched. A run also continues tracks that failed there."""
PAID: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].paid)
"""States in which money was or may have been spent and the results aren't safe yet. A run continues all of these."""
SAFE: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].safe)
"""States in which the results are stored and verified."""
UNSETTLED: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].unsettled)
"""States that a report lists as failures."""
UNDER_WAY: tuple[State, ...] = tuple(state for state in PAID if state not in UNSETTLED)
"""States of paid tracks that aren't stuck."""
BEST_FIRST: tuple[State, ...] = (
    *reversed([state for state in STATES if state not in UNSETTLED]),
    *(state for state in STATES if state in UNSETTLED),
)
"""All states in the order of a chart: finished ones first, stuck ones last."""

ANSWERED: frozenset[tuple[State | None, State]] = frozenset(
    {
        ("seen", "uploaded"),
        ("creating", "created"),
        ("uncertain", "created"),
        ("created", "finished"),
        ("verified", "deleted"),
    }
)
"""Transitions that need an answer of the service."""


def transition(before: State, after: State) -> State:
    """Returns the new state if the transition is allowed.

    Raises:
        RuntimeError: it isn't, which is a bug in this package. Nothing may be written then.
    """
    if after != before and after not in TABLE[before].next:
        raise RuntimeError(f"a track can't go from {before!r} to {after!r}: please report this")
    return after


def sql(states: Iterable[State]) -> str:
    """States as the right side of `IN` in a statement. The names are fixed, so nothing needs escaping."""
    return f"({', '.join(repr(state) for state in states)})"
