"""Decides what a run does with a track. Plans, runs and shards all use this module, so they can't disagree.

Only this module decides whether to pay for a track, also for a second time: `decide` by what the ledger says, and
`repeats_post` after the search for the job of a POST whose answer was lost. It does no I/O: the arguments contain
everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from musicai_sdk.batch.errors import SOURCE_GONE
from musicai_sdk.batch.ledger.states import FETCHABLE, STATES, TABLE, State, sql
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.options import RunOptions

Action: TypeAlias = Literal["create", "retry", "continue", "find", "clean_up", "skip", "leave", "wait"]
"""What to do with a track:

- `create`: send the request, and pay for a job.
- `retry`: send it again, and pay again, because the user asked for it.
- `continue`: the track may be paid. Fetch the results, or search for the job; if none is found, `repeats_post` decides.
- `find`: only search for the job.
- `clean_up`: the results are safe. Delete the job.
- `skip`: the track is done.
- `leave`: the track failed, or its results are missing, and only the user can decide what to do.
- `wait`: the track isn't paid, and its input isn't among the run's inputs.
"""

PAYS: frozenset[Action] = frozenset(("create", "retry"))
"""Actions that pay for a new job. `continue` can only repeat an unanswered POST, see `repeats_post`."""
RESUMES: frozenset[Action] = frozenset(("retry", "continue", "find", "clean_up"))
"""Actions that a run takes even if the track's input isn't among the run's inputs."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The properties of a track that a decision needs, for callers without the whole track."""

    state: State
    error_code: str | None = None
    resume_at: State | None = None


def decide(
    track: Track | Standing | None, options: RunOptions, *, in_inputs: bool, missing: bool = False
) -> Action:
    """Decides what a run does with a track.

    Args:
        track: The track; None if the ledger doesn't have it.
        options: The run's options.
        in_inputs: Whether the track's input is among the run's inputs.
        missing: Whether the recorded results of a finished track are missing.
    """
    if track is None:
        return "create"
    info = TABLE[track.state]
    if info.safe:
        # If another state can follow, the job was kept. It can be deleted, and still has the results.
        if missing:
            return "continue" if info.next else "leave"
        return "clean_up" if info.next and not options.keep_jobs else "skip"
    if info.open_post and info.unsettled:
        return "retry" if options.retry_uncertain else "find"
    if info.owed:
        return "continue"
    if not info.unsettled:
        return "create" if in_inputs else "wait"
    if track.resume_at in FETCHABLE:
        return "continue"  # every run fetches paid results
    if not in_inputs:
        return "wait"
    return "retry" if options.retry_failed or source_returned(track) else "leave"


def repeats_post(state: State, options: RunOptions, *, absent: bool, uncertain_before: bool = True) -> bool:
    """Decides whether a run sends a track's POST again after it searched for the job in vain.

    The POST keeps its key, so that its job is found if it exists after all. Only an older copy of a ledger may lack the
    key.

    Args:
        state: The state of the track.
        options: The run's options.
        absent: Whether the search proved that the service has no job of the POST. Otherwise it may have one.
        uncertain_before: Whether the track was uncertain when the run began. Without proof of absence, a requested retry
            applies only to such tracks, because their users know about them.
    """
    if absent and not TABLE[state].unsettled:
        return True
    return options.retry_uncertain and (absent or uncertain_before)


def source_returned(track: Track | Standing) -> bool:
    """Whether a track failed only because its file was missing. If its input is found again, the track can continue."""
    return TABLE[track.state].unsettled and track.error_code == SOURCE_GONE


def resumed(options: RunOptions) -> str:
    """The SQL condition for the tracks that a run continues whatever its inputs are.

    It is built from the return value of `decide` for every state, so the two can't disagree.
    """

    def resumes(state: State, resume_at: State | None = None) -> bool:
        return decide(Standing(state, None, resume_at), options, in_inputs=False) in RESUMES

    always: list[State] = [state for state in STATES if resumes(state)]
    sometimes = [
        f"(state = {state!r} AND resume_at = {resume_at!r})"
        for state in STATES
        for resume_at in STATES
        if not resumes(state) and resumes(state, resume_at)
    ]
    return " OR ".join((f"state IN {sql(always)}", *sometimes))
