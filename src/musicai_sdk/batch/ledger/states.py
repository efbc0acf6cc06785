"""The states of a track: the table of their properties, which all other code reads, and the allowed transitions.

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
"""The state of a track. The states are in the order of processing.

`seen` the content is known · `uploaded` the service has the input · `creating` a paid POST may have been sent, with an
idempotency key that is on disk · `uncertain` the answer to that POST was lost, and no job is listed · `created` the
job's id is known · `finished` the job succeeded · `downloaded` the results are downloaded · `verified` the results were
read back, and their sizes and digests are recorded · `deleted` the results are verified, and the job was deleted ·
`failed` the track failed, with a code and a message.
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
    """What a run does with a track in this state; empty if nothing."""
    next: frozenset[State]
    """The allowed next states. A track may also change without leaving its state."""
    jobless: bool = False
    """Whether no job is known. The next step sends the input, or searches for a lost job."""
    open_post: bool = False
    """Whether the service may have received a paid POST whose answer is unknown."""
    fetchable: bool = False
    """Whether there is a job whose results can be fetched at no cost."""
    safe: bool = False
    """Whether the results are stored and verified."""
    unsettled: bool = False
    """Whether the user must decide about the track. A run doesn't touch it without a requested retry, and reports the
    reason."""

    @property
    def owed(self) -> bool:
        """Whether the results are owed: the track cost or may have cost money, and its results aren't safe yet.

        Every run continues such a track.
        """
        return self.open_post or self.fetchable


def _may_become(*states: State) -> frozenset[State]:
    return frozenset(states)


TABLE: Mapping[State, StateInfo] = {
    "seen": StateInfo(
        label="waiting",
        explained="waiting to be uploaded",
        doing="uploading",
        jobless=True,
        # `uncertain`: the ledger is an older copy, and later changes are unknown. The same applies below.
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
        explained="it is unknown whether its job was created",
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
        # `uncertain`: the answer to the POST named another request's job.
        next=_may_become("finished", "uncertain", "failed"),
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
        # `finished`, `downloaded`: the stored results are damaged or doubtful, and the job still has them.
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
"""States in which the service may have received a paid POST whose answer is unknown."""
FETCHABLE: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].fetchable)
"""States with a job whose results can be fetched. A run also continues tracks that failed in these states."""
OWED: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].owed)
"""States of tracks that cost or may have cost money, and whose results aren't safe yet. Every run continues all of
these."""
SAFE: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].safe)
"""States in which the results are stored and verified."""
UNSETTLED: tuple[State, ...] = tuple(state for state in STATES if TABLE[state].unsettled)
"""States that a report lists as failures."""
UNDER_WAY: tuple[State, ...] = tuple(state for state in OWED if state not in UNSETTLED)
"""States of tracks whose results are owed, and that need no decision by the user."""
BEST_FIRST: tuple[State, ...] = (
    *reversed([state for state in STATES if state not in UNSETTLED]),
    *(state for state in STATES if state in UNSETTLED),
)
"""All states in the order of a chart: finished tracks first, tracks that need a decision last."""

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
        RuntimeError: the transition isn't allowed, which is a bug in this package. The caller must not write anything.
    """
    if after != before and after not in TABLE[before].next:
        raise RuntimeError(f"a track can't go from {before!r} to {after!r}: please report this")
    return after


def sql(states: Iterable[State]) -> str:
    """States as the right side of `IN` in a statement. The names are fixed, so nothing needs escaping."""
    return f"({', '.join(repr(state) for state in states)})"
