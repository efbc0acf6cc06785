"""`musicai batch …`: what a ledger tells, also while a run is going on in it."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from musicai_sdk.cli.arguments import paths
from musicai_sdk.cli.settings import Settings, command, visible

if TYPE_CHECKING:
    from musicai_sdk.batch import LedgerView, OutputRecord, Track

_TRACK = (
    *("source", "state", "folder", "params", "job_id", "attempts", "error_code", "error_message"),
    *("seen_at", "created_at", "finished_at", "verified_at"),
)
_OUTPUT = ("output", "path", "size", "sha256")


_EXPLAINED = """
\b
deleted     done: the results are here, and the job is deleted
verified    done: the results are here, and the job is kept
downloaded  its files are here, and aren't checked yet
finished    its job has succeeded; its files are to be downloaded
created     its job is at the service
creating    its job is about to be created, or just was
uploaded    the service has the file
seen        it waits to be uploaded
uncertain   whether its job was created isn't known
failed      with a code and a message: musicai batch failures
"""
"""What a ledger calls the states; the names are those of the ledger's file, and stay."""


@click.group()
def batch() -> None:
    """Look into the ledger of `process folder`."""


_PLACE = click.argument("place", metavar="OUT_OR_LEDGER", shell_complete=paths)


def _opened(place: str) -> LedgerView:
    from musicai_sdk.batch import ledger_of, open_ledger

    return open_ledger(ledger_of(place))


@batch.command(
    help=f"""Print how many tracks are how far, how long they took, and the bytes.

With --json the states have their names in the ledger:
{_EXPLAINED}"""
)
@_PLACE
@click.pass_obj
@command
def status(settings: Settings, place: str) -> None:
    """The figures of a ledger."""
    from musicai_sdk.cli.words import STATES, duration, size

    with _opened(place) as view:
        counts, durations, (uploaded, downloaded) = view.counts(), view.durations(), view.bytes()
        rejected = len(list(view.rejected()))
        workflow, ledger = view.workflow, str(view.path)
    if settings.as_json:
        value = {"ledger": ledger, "workflow": workflow, "states": counts, "rejected": rejected}
        value |= {"durations": {stage: asdict(took) for stage, took in durations.items()}}
        settings.show(value | {"bytes_uploaded": uploaded, "bytes_downloaded": downloaded}, "")
        return
    click.echo(f"{ledger}: {workflow}, {sum(counts.values()):,} tracks")
    for state, count in counts.items():
        click.echo(f"{count:>9,}  {STATES[state]}")
    if rejected:
        click.echo(f"{rejected:>9,}  not taken in the latest run")
    for stage, took in durations.items():
        figures = (
            f"{what} {duration(value)}" for what, value in _figures(took.median, took.p95, took.longest)
        )
        click.echo(f"{stage:>9}  {', '.join(figures)}")
    click.echo(f"{'bytes':>9}  {size(uploaded)} up, {size(downloaded)} down")


def _figures(median: float, p95: float, longest: float) -> Iterator[tuple[str, float]]:
    yield from (("median", median), ("95 % within", p95), ("longest", longest))


@batch.command()
@_PLACE
@click.pass_obj
@command
def failures(settings: Settings, place: str) -> None:
    """Print the tracks that failed, are uncertain or weren't taken: why, and how often they were tried."""
    from musicai_sdk.cli.progress.telling import failure_line
    from musicai_sdk.cli.words import place as place_of
    from musicai_sdk.cli.words import printable

    with _opened(place) as view:
        for each in view.failures():
            settings.show(asdict(each), failure_line(each))
        for rejected in view.rejected():
            value = {"source": rejected.source, "state": "rejected", "message": rejected.reason}
            settings.show(value, f"not taken: {place_of(rejected.source)}: {printable(rejected.reason)}")


@batch.command()
@_PLACE
@click.pass_obj
@command
def check(settings: Settings, place: str) -> None:
    """Read all results again, and print the tracks whose files are missing or aren't what was recorded.

    A run doesn't do that: what is recorded as done is skipped. Exit code 1 if there are such tracks. Put their files
    back from a copy; else only a job that is paid anew gives them, with an output folder of its own.
    """
    from musicai_sdk.cli.words import place as place_of
    from musicai_sdk.cli.words import printable

    damaged = 0
    with _opened(place) as view:
        for each in view.check(view.bucket or view.out):
            damaged += 1
            settings.show(asdict(each), f"damaged: {place_of(each.source)}: {printable(each.reason)}")
        done = sum(view.counts().get(state, 0) for state in ("verified", "deleted"))
    click.echo(f"{done - damaged:,} of {done:,} finished tracks are as they were recorded", err=True)
    click.get_current_context().exit(1 if damaged else 0)


@batch.command(
    help=f"""Print every track with its outputs.

As CSV a line for each output, and one for a track that has none; as JSONL a line for each track. The output without a
name is the JSON file with the whole result. Times are seconds since 1970, paths are relative to the output folder.
The column `state` has one of these:
{_EXPLAINED}"""
)
@_PLACE
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), help="csv, or jsonl as with --json.")
@click.pass_obj
@command
def export(settings: Settings, place: str, form: str | None) -> None:
    """Every track of a ledger."""
    with _opened(place) as view:
        if (form or ("jsonl" if settings.as_json else "csv")) == "jsonl":
            for track, outputs in view.tracks():
                click.echo(visible(json.dumps(_record(track, outputs), ensure_ascii=False)))
            return
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow((*_TRACK, *_OUTPUT))
        for track, outputs in view.tracks():
            row = [getattr(track, name) for name in _TRACK]
            writer.writerows([*row, each.name, each.path, each.size, each.sha256] for each in outputs)
            if not outputs:
                writer.writerow([*row, *("" for _ in _OUTPUT)])


def _record(track: Track, outputs: tuple[OutputRecord, ...]) -> dict[str, Any]:
    record = {name: getattr(track, name) for name in _TRACK} | {"params": json.loads(track.params)}
    return record | {"outputs": [asdict(each) for each in outputs]}
