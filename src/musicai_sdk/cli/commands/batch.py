"""`musicai batch …`: the contents of a ledger, also while a run uses it."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from musicai_sdk._platform import json_text
from musicai_sdk.cli.arguments import complete_file
from musicai_sdk.cli.context import CommandContext, command, visible
from musicai_sdk.cli.group import Command, Group

if TYPE_CHECKING:
    from musicai_sdk.batch import JobAttempt, LedgerView, OutputRecord, Track

_TRACK = (
    *("source", "state", "folder", "params", "job_id", "attempts", "error_code", "error_message"),
    *("seen_at", "created_at", "finished_at", "verified_at"),
)
_OUTPUT = ("output", "path", "size", "sha256")


class _WithStates(Command):
    """A command that prints states by their names in the ledger; its help explains them."""

    @override
    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from musicai_sdk.batch.ledger.states import BEST_FIRST, TABLE

        super().format_help_text(ctx, formatter)
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_dl([(state, TABLE[state].explained) for state in BEST_FIRST])


@click.group(cls=Group)
def batch() -> None:
    """Read the ledger of `process folder`."""


_PLACE = click.argument("place", metavar="OUT_OR_LEDGER", shell_complete=complete_file)


def _open(place: str) -> LedgerView:
    from musicai_sdk.batch import ledger_of, open_ledger

    return open_ledger(ledger_of(place))


@batch.command(cls=_WithStates)
@_PLACE
@command
def status(settings: CommandContext, place: str) -> None:
    """Print the number of tracks by state, durations, paid jobs with their cost, and bytes.

    With --json the states have their names in the ledger:
    """
    from musicai_sdk.batch.ledger.states import TABLE
    from musicai_sdk.batch.progress.formatting import duration, plural, size

    with _open(place) as view:
        counts, durations, (uploaded, downloaded) = view.counts(), view.durations(), view.bytes()
        rejected = len(list(view.rejected()))
        cost = view.cost()
        jobs, paid, left = view.jobs_created(), view.tracks_paid(), view.jobs_left()
        workflow, ledger = view.workflow, str(view.path)
    if settings.as_json:
        value = {"ledger": ledger, "workflow": workflow, "states": counts, "rejected": rejected}
        value |= {"jobs_created": jobs, "tracks_paid": paid, "jobs_left": left}
        value |= {"cost": cost.to_dict()}
        value |= {"durations": {stage: asdict(took) for stage, took in durations.items()}}
        settings.show(value | {"bytes_uploaded": uploaded, "bytes_downloaded": downloaded}, "")
        return
    click.echo(f"{ledger}: {workflow}, {sum(counts.values()):,} tracks")
    for state, count in counts.items():
        click.echo(f"{count:>9,}  {TABLE[state].label}")
    if rejected:
        click.echo(f"{rejected:>9,}  rejected in the latest run")
    for stage, took in durations.items():
        figures = (
            f"{what} {duration(value)}" for what, value in _figures(took.median, took.p95, took.longest)
        )
        click.echo(f"{stage:>9}  {', '.join(figures)}")
    if jobs:
        click.echo(
            f"{'jobs':>9}  {plural(jobs, 'job')} paid for {plural(paid, 'track')}, {len(left):,} still at the service"
        )
    if cost.jobs:
        click.echo(f"{'cost':>9}  {cost}")
    click.echo(f"{'bytes':>9}  {size(uploaded)} up, {size(downloaded)} down")


def _figures(median: float, p95: float, longest: float) -> Iterator[tuple[str, float]]:
    yield from (("median", median), ("95 % within", p95), ("longest", longest))


@batch.command()
@_PLACE
@command
def failures(settings: CommandContext, place: str) -> None:
    """Print failed and uncertain tracks and rejected inputs, with the reason and the number of attempts."""
    from musicai_sdk.batch.progress.formatting import printable, short_path
    from musicai_sdk.batch.progress.phrases import failure_line

    with _open(place) as view:
        for each in view.failures():
            settings.show(asdict(each), failure_line(each))
        for rejected in view.rejected():
            value = {"source": rejected.source, "state": "rejected", "message": rejected.reason}
            settings.show(value, f"rejected: {short_path(rejected.source)}: {printable(rejected.reason)}")


@batch.command()
@_PLACE
@click.argument("track", required=False)
@command
def history(settings: CommandContext, place: str, track: str | None) -> None:
    """Print every paid request that was ever sent, with its job: of all tracks, or of TRACK.

    TRACK is an input, a folder of results, or a track's key in the ledger. A request is recorded before it is
    sent, so `sent` doesn't mean that the service received it. Exit code 1 if TRACK isn't in the ledger.
    """
    with _open(place) as view:
        settings.show_all((asdict(each), _attempt(each)) for each in view.attempts(track))
        known = track is None or view.knows(track)
    if not known:
        click.echo(f"no track {track!r} in this ledger", err=True)
        click.get_current_context().exit(1)


@batch.command()
@_PLACE
@command
def check(settings: CommandContext, place: str) -> None:
    """Read all results again, and print the tracks whose files are missing or differ from the record.

    A run skips finished tracks and checks only their files' sizes. Exit code 1 if files are damaged. Restore them from
    a backup; without one, only a new paid job with another output folder brings them back.
    """
    from musicai_sdk.batch.ledger.states import SAFE
    from musicai_sdk.batch.progress.formatting import printable, short_path

    damaged = 0
    with _open(place) as view:
        for each in view.check(view.bucket or view.out):
            damaged += 1
            settings.show(asdict(each), f"damaged: {short_path(each.source)}: {printable(each.reason)}")
        done = sum(view.counts().get(state, 0) for state in SAFE)
    click.echo(f"{done - damaged:,} of {done:,} finished tracks match the record", err=True)
    click.get_current_context().exit(1 if damaged else 0)


@batch.command(cls=_WithStates)
@_PLACE
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), help="csv is the default, jsonl with --json."
)
@command
def export(settings: CommandContext, place: str, form: str | None) -> None:
    """Print every track with its outputs.

    CSV has a line per output, and one for a track without outputs; JSONL has a line per track. The output without a
    name is the JSON file with the whole result. Times are seconds since 1970; paths are relative to the output
    folder. URLs are shown without their queries. The column `state` has one of these values:
    """
    with _open(place) as view:
        if (form or ("jsonl" if settings.as_json else "csv")) == "jsonl":
            for track, outputs in view.tracks():
                click.echo(visible(json_text(_record(track, outputs), sys.stdout)))
            return
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow((*_TRACK, *_OUTPUT))
        for track, outputs in view.tracks():
            row = list(_values(track).values())
            writer.writerows([*row, each.name, each.path, each.size, each.sha256] for each in outputs)
            if not outputs:
                writer.writerow([*row, *("" for _ in _OUTPUT)])


def _attempt(each: JobAttempt) -> tuple[str, ...]:
    from musicai_sdk.batch.progress.formatting import short_path

    when = datetime.fromtimestamp(each.sent_at).astimezone() if each.sent_at is not None else None
    job = f"job {each.job_id}{', deleted' if each.deleted_at else ''}" if each.job_id else ""
    moment = f"{when:%Y-%m-%d %H:%M:%S}" if when else "unknown time"
    return moment, each.reason, each.outcome, each.code or "", job, short_path(each.source)


def _record(track: Track, outputs: tuple[OutputRecord, ...]) -> dict[str, Any]:
    values = _values(track)
    record = values | {"params": json.loads(values["params"])}
    return record | {"outputs": [asdict(each) for each in outputs]}


def _values(track: Track) -> dict[str, Any]:
    """The values of the columns. URLs have no queries, which may be signatures: `folder` and `job_id` identify a track."""
    from musicai_sdk.batch.text import redacted, redacted_json

    values: dict[str, Any] = {name: getattr(track, name) for name in _TRACK}
    return values | {"source": redacted(track.source), "params": redacted_json(track.params)}
