"""The words for a run that the screen, the lines and the summary share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicai_sdk.batch.ledger.states import TABLE, UNDER_WAY, UNSETTLED
from musicai_sdk.batch.progress.formatting import duration, plural, printable, rate, short_path, size

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, Failure, Progress, State


def activity(state: State) -> str:
    """What a run does with a track in this state; the name for people if it does nothing."""
    return TABLE[state].doing or TABLE[state].label


def settled(progress: Progress) -> int:
    """The number of inputs that this run is finished with."""
    return min(progress.known, progress.done + progress.duplicates + progress.failed + progress.missing)


def figures(progress: Progress) -> list[str]:
    """Speed, remaining time, activity and bytes, as far as they are known."""
    parts = list[str]()
    if progress.draining:
        parts.append("ending")
    if progress.rate:
        parts.append(rate(progress.rate))
    ending = progress.draining or progress.budget
    if progress.eta is not None and settled(progress) < progress.known and not ending:
        parts.append(f"{duration(progress.eta)} left")
    if progress.active:
        parts.append(f"{len(progress.active):,} in flight")
    elif not progress.draining and (elsewhere := _on_workers(progress)):
        parts += elsewhere
    elif not progress.complete and settled(progress) == progress.known:
        parts.append("waiting for inputs")
    if progress.bytes_uploaded:
        parts.append(f"{size(progress.bytes_uploaded)} up")
    if progress.bytes_downloaded:
        parts.append(f"{size(progress.bytes_downloaded)} down")
    if progress.skipped:
        parts.append(f"{progress.skipped:,} done before")
    return [*parts, *without_results(progress)]


def without_results(progress: Progress) -> list[str]:
    """Inputs without results of their own, by reason."""
    counts = {
        "duplicate" if progress.duplicates == 1 else "duplicates": progress.duplicates,
        "rejected": progress.rejected,
        "done before, with missing files": progress.missing,
        "waiting for a higher limit": progress.waiting,
    }
    return [f"{count:,} {what}" for what, count in counts.items() if count]


def _on_workers(progress: Progress) -> list[str]:
    # Workers report the number of tracks in each state, not the tracks.
    found = ((progress.states.get(state, 0), activity(state)) for state in UNDER_WAY)
    return [f"{count:,} {doing}" for count, doing in found if count]


def count(progress: Progress) -> str:
    """`12 of 300`; while the run is still reading inputs, `12 of 300 so far`."""
    return f"{progress.done:,} of {progress.known:,}" + ("" if progress.complete else " so far")


def failure_line(failure: Failure | Event) -> str:
    """A line for a failed or uncertain track."""
    tried = f" (tried {plural(failure.attempts, 'time')})" if failure.attempts > 1 else ""
    return (
        f"{failure.state}: {short_path(failure.source)}: {failure.code}: {printable(failure.message)}{tried}"
    )


def message_for(event: Event, *, drained: bool) -> tuple[bool, str] | None:
    """The message for an event, with whether it reports a problem; None if the figures cover it.

    Args:
        event: The event.
        drained: Whether draining was already announced: each shard announces it.
    """
    source, message = short_path(event.source), printable(event.message)
    if event.kind == "state" and event.state in UNSETTLED:
        return True, failure_line(event)
    if event.kind == "rejected":
        return True, f"rejected: {source}: {message}"
    if event.kind == "warning":
        return True, f"warning: {message}"
    if event.kind == "budget":
        return True, f"waiting: {source}: {message}" if source else message
    if event.kind == "retry":
        return False, f"retry: {source}: {message}"
    if event.kind == "draining" and not drained:
        return False, f"{message}; Ctrl-C again stops at once"
    return None
