"""The end of a run: how it went, what failed and what to do about it, and the exit code."""

from __future__ import annotations

import sys
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

from musicai_sdk._platform import quoted
from musicai_sdk.batch import ledger_of, open_ledger, write_report
from musicai_sdk.batch.ledger.states import UNDER_WAY
from musicai_sdk.cli.context import CommandContext, note
from musicai_sdk.cli.errors import INTERRUPTED
from musicai_sdk.cli.formatting import duration, place, printable, size, times
from musicai_sdk.cli.progress.wording import besides, failure_line, settled

if TYPE_CHECKING:
    from pathlib import Path

    from musicai_sdk.batch import LedgerView, Progress, Report

_LISTED = 20
"""Failures that are told; the ledger has all."""


def conclude(settings: CommandContext, report: Report, *, page: bool, endless: bool = False) -> int:
    """Tells how a run went.

    Args:
        settings: Whether for a program or a person.
        report: The run's figures.
        page: Whether to write `report.html`.
        endless: Whether only Ctrl-C can end such a run: that is no early end if nothing was left to do.

    Returns:
        The exit code.
    """
    progress = report.progress
    early = progress.draining and not (endless and _nothing_left(progress))
    if not settings.as_json:
        note(_summary(progress, early=early))
        with open_ledger(report.ledger) as view:
            _list(view, progress, report)
    written = _write_page(report) if page else None
    if settings.as_json:
        summary = {name: value for name, value in asdict(progress).items() if name != "active"}
        paths = {"ledger": str(report.ledger), "report": str(written) if written else None}
        settings.show({"kind": "summary", **summary, **paths}, "")
    elif written is not None:
        settings.show({}, place(str(written)))
    if early:
        return INTERRUPTED
    return 1 if progress.failed or progress.rejected or progress.missing or not (endless or report.ok) else 0


def at_the_service(progress: Progress) -> str | None:
    """The jobs that a run leaves there, in words; None if there are none."""
    count = sum(progress.states.get(state, 0) for state in UNDER_WAY)
    if not count:
        return None
    one = count == 1
    return f"{times(count, 'job')} that {'is' if one else 'are'} paid for {'stays' if one else 'stay'} at the service"


def _nothing_left(progress: Progress) -> bool:
    return settled(progress) == progress.known and at_the_service(progress) is None


def _write_page(report: Report) -> Path | None:
    path = report.out / "report.html"
    if path.is_dir():  # a track is called like that
        path = path.with_name(".musicai-report.html")
    try:
        report.out.mkdir(parents=True, exist_ok=True)  # where everything failed, nothing has made it
        return write_report(report.ledger, path)
    except OSError as error:
        note(f"{place(str(path))} can't be written: {error.strerror}")
        return None


def _summary(progress: Progress, *, early: bool) -> str:
    earlier = f" ({progress.skipped:,} by earlier runs)" if progress.skipped else ""
    # A run that ended early hasn't met all its inputs.
    done = f"{progress.done:,} of {times(progress.known, 'input')}"
    parts = [f"{done if progress.complete else times(progress.done, 'input')} done{earlier}"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    parts += besides(progress)
    moved = f"{size(progress.bytes_uploaded)} up, {size(progress.bytes_downloaded)} down"
    ending = "; ended early, the same command goes on from here" if early else ""
    if early and (going_on := at_the_service(progress)):
        ending = f"; ended early: {going_on}, and the same command picks them up and goes on from here"
    return f"{', '.join(parts)} in {duration(progress.seconds)}; {moved}{ending}"


def _list(view: LedgerView, progress: Progress, report: Report) -> None:
    for each in islice(view.rejected(), _LISTED):
        note(f"  not taken: {place(each.source)}: {printable(each.reason)}")
    failures = list(islice(view.failures(), _LISTED))
    for failure in failures:
        note(f"  {failure_line(failure)}")
    if progress.failed > len(failures):
        note(f"  and {progress.failed - len(failures):,} more: musicai batch failures {_place_of(report)}")
    states = progress.states
    if states.get("failed"):
        note("The same command with --retry-failed tries them again; a job that failed is paid anew.")
    if states.get("uncertain"):
        note(
            "Whether the uncertain ones were paid for isn't known. Each run looks for their jobs;"
            " --retry-uncertain sends those again that aren't listed."
        )


def _place_of(report: Report) -> str:
    """What `musicai batch` takes for the run's ledger."""
    own = ledger_of(report.out).absolute() == report.ledger.absolute()
    return quoted(place(str(report.out if own else report.ledger)), sys.stderr)
