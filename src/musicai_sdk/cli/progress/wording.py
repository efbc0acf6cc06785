"""A run in words: what the screen and the lines say alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from musicai_sdk.batch.ledger.states import TABLE, UNDER_WAY, UNSETTLED
from musicai_sdk.cli.formatting import duration, place, printable, rate, size, times

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, Failure, Progress, State

DOING: Mapping[State, str] = {state: info.doing for state, info in TABLE.items() if info.doing}
"""What is being done with a track in a state."""


def settled(progress: Progress) -> int:
    """Inputs that nothing more will be done with in this run."""
    return min(progress.known, progress.done + progress.duplicates + progress.failed + progress.missing)


def figures(progress: Progress) -> list[str]:
    """How fast it is, how long it takes, and what has moved: what there is of that."""
    parts = list[str]()
    if progress.draining:
        parts.append("ending")
    if progress.rate:
        parts.append(rate(progress.rate))
    if progress.eta is not None and settled(progress) < progress.known and not progress.draining:
        parts.append(f"{duration(progress.eta)} left")
    if progress.active:
        parts.append(f"{len(progress.active):,} in flight")
    elif not progress.draining and (doing := _elsewhere(progress)):
        parts += doing
    elif not progress.complete and settled(progress) == progress.known:
        parts.append("waiting for inputs")
    if progress.bytes_uploaded:
        parts.append(f"{size(progress.bytes_uploaded)} up")
    if progress.bytes_downloaded:
        parts.append(f"{size(progress.bytes_downloaded)} down")
    if progress.skipped:
        parts.append(f"{progress.skipped:,} done before")
    return [*parts, *besides(progress)]


def besides(progress: Progress) -> list[str]:
    """Inputs that get no results of their own."""
    counts = {
        "the same as others": progress.duplicates,
        "not taken": progress.rejected,
        "done before, and gone since": progress.missing,
    }
    return [f"{count:,} {what}" for what, count in counts.items() if count]


def _elsewhere(progress: Progress) -> list[str]:
    # Workers on other machines tell how many tracks are where, not which.
    found = ((progress.states.get(state, 0), DOING[state]) for state in UNDER_WAY)
    return [f"{count:,} {doing}" for count, doing in found if count]


def count(progress: Progress) -> str:
    """`12 of 300`; while inputs are still coming, `12 of 300 so far`."""
    return f"{progress.done:,} of {progress.known:,}" + ("" if progress.complete else " so far")


def failure_line(failure: Failure | Event) -> str:
    """A track that failed, in a line."""
    tried = f" (tried {times(failure.attempts, 'time')})" if failure.attempts > 1 else ""
    return f"{failure.state}: {place(failure.source)}: {failure.code}: {printable(failure.message)}{tried}"


def told(event: Event, *, drained: bool) -> tuple[bool, str] | None:
    """What a person is told of an event: whether it is bad, and the text. None for what the figures say.

    Args:
        event: What happened.
        drained: Whether the end was told before: each shard has its own.
    """
    source, message = place(event.source), printable(event.message)
    if event.kind == "state" and event.state in UNSETTLED:
        return True, failure_line(event)
    if event.kind == "rejected":
        return True, f"not taken: {source}: {message}"
    if event.kind == "warning":
        return True, f"warning: {message}"
    if event.kind == "retry":
        return False, f"again: {source}: {message}"
    if event.kind == "draining" and not drained:
        return False, f"{message}; Ctrl-C again stops at once"
    return None
