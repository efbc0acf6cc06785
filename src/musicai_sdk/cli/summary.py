"""The end of a run: the summary, the failures and what to do about them, and the exit code."""

from __future__ import annotations

import sys
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

from musicai_sdk._platform import quoted
from musicai_sdk.batch import ledger_of, open_ledger, write_report
from musicai_sdk.batch.ledger.states import UNDER_WAY
from musicai_sdk.batch.progress.formatting import duration, plural, printable, short_path, size
from musicai_sdk.batch.progress.phrases import failure_line, settled, without_results
from musicai_sdk.cli.context import CommandContext, note
from musicai_sdk.cli.errors import INTERRUPTED, LIMIT_REACHED

if TYPE_CHECKING:
    from pathlib import Path

    from musicai_sdk.batch import LedgerView, Progress, Report

_LISTED = 20
"""Most failures in the summary; the ledger has all."""


def conclude(settings: CommandContext, report: Report, *, page: bool, endless: bool = False) -> int:
    """Writes the summary of a run.

    Args:
        settings: Whether to write JSON.
        report: The run's figures.
        page: Whether to write `report.html`.
        endless: Whether only Ctrl-C ends such a run: it isn't an early end if nothing was left to do.

    Returns:
        The exit code.
    """
    progress = report.progress
    early = progress.draining and not (endless and _nothing_left(progress))
    if not settings.as_json:
        note(_summary(progress, early=early))
        _note_cost(report)
        with open_ledger(report.ledger) as view:
            _list(view, progress, report)
    written = _write_page(report) if page else None
    if settings.as_json:
        summary = {name: value for name, value in asdict(progress).items() if name != "active"}
        paths = {"ledger": str(report.ledger), "report": str(written) if written else None}
        costs = {"cost": report.cost.to_dict(), "total_cost": report.total_cost.to_dict()}
        settings.show({"kind": "summary", **summary, **costs, **paths}, "")
    elif written is not None:
        settings.show({}, short_path(str(written)))
    if early:
        return INTERRUPTED
    if progress.failed or progress.rejected or progress.missing:
        return 1
    if progress.waiting or progress.budget:
        return LIMIT_REACHED
    return 0 if endless or report.ok else 1


def _note_cost(report: Report) -> None:
    """Says what the run paid for, and what waits for a higher budget."""
    cost, total, progress = report.cost, report.total_cost, report.progress
    if cost.jobs:
        note(f"paid for {cost}")
    if total.jobs > cost.jobs:
        note(f"paid for by all runs: {total}")
    if progress.budget:
        least = "" if progress.complete else "at least "
        note(
            f"{progress.budget}: {least}{plural(progress.waiting, 'input')} left; the same command with a higher limit"
            " continues with them"
        )
    if progress.unmeasured:
        note(
            f"{plural(progress.unmeasured, 'input')} left because the length of the audio is unknown: pass it as"
            " audio_seconds in a manifest, or leave out --max-minutes and --max-cost"
        )
    elif progress.waiting and not progress.budget:
        note(f"{plural(progress.waiting, 'input')} left, each of which alone exceeds the limit")


def jobs_left(progress: Progress) -> str | None:
    """The paid jobs that a run leaves at the service, in words; None if there are none."""
    count = sum(progress.states.get(state, 0) for state in UNDER_WAY)
    if not count:
        return None
    return f"{plural(count, 'paid job')} {'stays' if count == 1 else 'stay'} at the service"


def _nothing_left(progress: Progress) -> bool:
    return settled(progress) == progress.known and jobs_left(progress) is None


def _write_page(report: Report) -> Path | None:
    path = report.out / "report.html"
    if path.is_dir():  # the results of a track with that name
        path = path.with_name(".musicai-report.html")
    try:
        report.out.mkdir(parents=True, exist_ok=True)  # missing if all tracks failed
        return write_report(report.ledger, path)
    except OSError as error:
        note(f"{short_path(str(path))} can't be written: {error.strerror}")
        return None


def _summary(progress: Progress, *, early: bool) -> str:
    earlier = f" ({progress.skipped:,} by earlier runs)" if progress.skipped else ""
    # A run that ended early hasn't read all its inputs.
    done = f"{progress.done:,} of {plural(progress.known, 'input')}"
    parts = [f"{done if progress.complete else plural(progress.done, 'input')} done{earlier}"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    parts += without_results(progress)
    moved = f"{size(progress.bytes_uploaded)} up, {size(progress.bytes_downloaded)} down"
    ending = "; ended early, the same command continues from here" if early else ""
    if early and (left := jobs_left(progress)):
        ending = f"; ended early: {left}, and the same command continues with them"
    return f"{', '.join(parts)} in {duration(progress.seconds)}; {moved}{ending}"


def _list(view: LedgerView, progress: Progress, report: Report) -> None:
    for each in islice(view.rejected(), _LISTED):
        note(f"  rejected: {short_path(each.source)}: {printable(each.reason)}")
    failures = list(islice(view.failures(), _LISTED))
    for failure in failures:
        note(f"  {failure_line(failure)}")
    if progress.failed > len(failures):
        note(
            f"  and {progress.failed - len(failures):,} more: musicai batch failures {_batch_argument(report)}"
        )
    states = progress.states
    if states.get("failed"):
        note("The same command with --retry-failed retries them; a failed job is paid for again.")
    if states.get("uncertain"):
        note(
            "It is unknown whether the uncertain ones were paid for. Each run looks for their jobs;"
            " --retry-uncertain sends those without a listed job again."
        )


def _batch_argument(report: Report) -> str:
    """The argument of `musicai batch` for the run's ledger."""
    own = ledger_of(report.out).absolute() == report.ledger.absolute()
    return quoted(short_path(str(report.out if own else report.ledger)), sys.stderr)
