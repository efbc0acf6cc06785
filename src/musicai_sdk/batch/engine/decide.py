"""What a run does with a track: decided here alone, by the dry run and by the run itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from musicai_sdk.batch.engine.failures import SOURCE_GONE
from musicai_sdk.batch.ledger.states import FETCHABLE, STATES, TABLE, State

Action: TypeAlias = Literal["create", "retry", "go_on", "find", "clean_up", "skip", "leave", "wait"]
"""`create` send it, and pay for a job · `retry` the same once more · `go_on` it is paid for: fetch its results, or look
for its job, and send it again only if there certainly is none · `find` only look for its job · `clean_up` its
results are safe, delete its job · `skip` it is done · `leave` it failed, and nobody asked for a retry · `wait` its input
isn't among this run's, and nothing is paid."""

PAYS: frozenset[Action] = frozenset(("create", "retry"))
"""Actions that a job is paid for."""
RESUMES: frozenset[Action] = frozenset(("retry", "go_on", "find", "clean_up"))
"""What a run does with a track even if its input isn't among the run's inputs."""


class Standing(Protocol):
    """How a track stands: what a decision rests on."""

    @property
    def state(self) -> State:
        """How far it is."""
        ...

    @property
    def error_code(self) -> str | None:
        """Why it failed."""
        ...

    @property
    def resume_at(self) -> State | None:
        """Where a failed one goes on."""
        ...


class Options(Protocol):
    """The run's options that a decision rests on."""

    @property
    def keep_jobs(self) -> bool:
        """Whether jobs stay at the service."""
        ...

    @property
    def retry_failed(self) -> bool:
        """Whether failed tracks are tried again."""
        ...

    @property
    def retry_uncertain(self) -> bool:
        """Whether uncertain ones are sent again."""
        ...


@dataclass(frozen=True, slots=True)
class Stands:
    """A standing on its own, where the whole track isn't at hand."""

    state: State
    error_code: str | None = None
    resume_at: State | None = None


def decide(track: Standing | None, options: Options, in_inputs: bool) -> Action:  # noqa: FBT001 - three facts, in order
    """What a run does with a track.

    Args:
        track: The track; None for one that the ledger doesn't know.
        options: The run's options.
        in_inputs: Whether the track's input is among this run's inputs.
    """
    if track is None:
        return "create"
    info = TABLE[track.state]
    if info.safe:
        # Only a job that was kept can still be deleted.
        return "clean_up" if info.next and not options.keep_jobs else "skip"
    if info.open_post and info.unsettled:
        return "retry" if options.retry_uncertain else "find"
    if info.paid:
        return "go_on"
    if not info.unsettled:
        return "create" if in_inputs else "wait"
    if track.resume_at in FETCHABLE:
        return "go_on"  # what is paid for is fetched by every run
    if not in_inputs:
        return "wait"
    return "retry" if options.retry_failed or source_returned(track) else "leave"


def source_returned(track: Standing) -> bool:
    """Whether a track whose input is met failed only because the input's file wasn't there: it has no reason to fail."""
    return TABLE[track.state].unsettled and track.error_code == SOURCE_GONE


def resumed(options: Options) -> str:
    """The condition, in SQL, of tracks that a run goes on with whatever its inputs are.

    It is made by asking `decide` about every state, so the two can't disagree.
    """

    def goes_on(state: State, resume_at: State | None = None) -> bool:
        return decide(Stands(state, None, resume_at), options, in_inputs=False) in RESUMES

    always = [state for state in STATES if goes_on(state)]
    sometimes = [
        f"(state = {state!r} AND resume_at = {resume_at!r})"
        for state in STATES
        for resume_at in STATES
        if not goes_on(state) and goes_on(state, resume_at)
    ]
    return " OR ".join((f"state IN ({', '.join(map(repr, always))})", *sometimes))
