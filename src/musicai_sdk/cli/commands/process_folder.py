"""`musicai process folder`: a whole catalogue, with a ledger that survives crashes."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musicai_sdk.cli.arguments import (
    Seconds,
    complete_file,
    complete_folder,
    parameter_options,
    parse_amount,
    parse_pairs,
    parse_price,
    workflow_argument,
)
from musicai_sdk.cli.context import CommandContext, command, confirm, note
from musicai_sdk.cli.displays import display_for
from musicai_sdk.cli.errors import Hint
from musicai_sdk.cli.group import Command
from musicai_sdk.cli.locations import check_output, output_and_ledger, parse_inputs
from musicai_sdk.cli.recovery_hints import LIST_WORKFLOWS

if TYPE_CHECKING:
    from decimal import Decimal

    from musicai_sdk.batch import Batch, Plan, Price, Report

_COUNT = click.IntRange(min=1)
_SECONDS = Seconds(min=0)
_DRAINING = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that drain a run: `docker stop` and systemd send the first, a closed terminal the second, a closed console of
Windows and Ctrl-Break the third."""
_MANIFEST = """\b
The columns of a CSV manifest, or the keys in each line of a JSONL manifest:
  input          a path relative to the manifest, or a URL; `path` and `url` mean the same
  name           the folder of the results in OUT; optional
  audio_seconds  the length of the audio, where it can't be read, for --max-minutes and --price; optional
  others         parameters of the workflow, JSON or text, as --param gives to all inputs
"""


@click.command("folder", cls=Command, epilog=_MANIFEST)
@workflow_argument
@click.argument("source", metavar="IN", shell_complete=complete_file)
@click.argument("out", shell_complete=complete_folder)
@click.option("--watch", is_flag=True, help="Keep running until Ctrl-C, and process new files.")
@click.option("-c", "--concurrency", type=_COUNT, default=10, show_default=True, help="Jobs at a time.")
@click.option("--recursive/--no-recursive", default=True, show_default=True, help="Include subfolders.")
@click.option(
    "--glob", metavar="PATTERN", help="Only matching files, such as '*.flac'; by default audio and video."
)
@click.option(
    "--resume/--fresh",
    default=True,
    show_default=True,
    help="Continue where an earlier run ended, or start a new ledger and pay for everything again.",
)
@click.option("--retry-failed", is_flag=True, help="Retry failed tracks; a failed job is paid for again.")
@click.option(
    "--retry-uncertain", is_flag=True, help="Send uncertain requests again if their jobs aren't listed."
)
@click.option(
    "--keep-jobs/--delete-jobs",
    default=False,
    show_default=True,
    help="Keep the jobs and their results at the service; a later run without it deletes those of finished tracks.",
)
@click.option(
    "--adopt",
    is_flag=True,
    help="Continue although the ledger is missing or older than the results in OUT; they may be paid for again.",
)
@click.option(
    "--max-jobs",
    metavar="N",
    type=click.IntRange(min=0),
    help="The most jobs to pay for, over all runs into OUT; the same command with a higher number continues.",
)
@click.option(
    "--max-minutes", callback=parse_amount, metavar="MINUTES", help="The same for minutes of audio."
)
@click.option(
    "--max-cost", callback=parse_amount, metavar="MONEY", help="The same for what the jobs cost by --price."
)
@click.option(
    "--price",
    metavar="PRICE",
    callback=parse_price,
    help="Your price of WORKFLOW: 0.05/min, 0.10/job, or 0.05/min+0.10/job.",
)
@click.option("--dry-run", is_flag=True, help="Print what a run would do, and send nothing. Needs no key.")
@parameter_options("each file")
@click.option(
    "--ledger",
    metavar="FILE",
    shell_complete=complete_file,
    help="The ledger, if not in OUT; required if OUT is a bucket.",
)
@click.option("--uploads", type=_COUNT, default=4, show_default=True, help="Uploads at a time.")
@click.option("--downloads", type=_COUNT, default=4, show_default=True, help="Downloads at a time.")
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="A cluster: tcp://scheduler:8786, or local for processes on this machine.",
)
@click.option(
    "--settle",
    type=_SECONDS,
    default=5.0,
    show_default=True,
    help="Seconds after which an unchanged file counts as complete, with --watch.",
)
@click.option(
    "--grace",
    type=_SECONDS,
    default=10.0,
    show_default=True,
    help="Seconds within which the service lists a new job; for requests that an earlier run left open.",
)
@click.option(
    "--report/--no-report", default=True, show_default=True, help="Write OUT/report.html at the end."
)
@click.option(
    "--force", is_flag=True, help="Accept a single IN even without the extension of audio or video."
)
@click.option("--yes", is_flag=True, help="Don't ask before --fresh starts a new ledger.")
@command
def process_folder(
    settings: CommandContext,
    /,
    workflow: str,
    source: str,
    out: str,
    *,
    watch: bool,
    recursive: bool,
    glob: str | None,
    settle: float,
    resume: bool,
    dry_run: bool,
    params: tuple[str, ...],
    input_name: str,
    retry_failed: bool,
    retry_uncertain: bool,
    adopt: bool,
    max_jobs: int | None,
    max_minutes: Decimal | None,
    max_cost: Decimal | None,
    price: Price | None,
    concurrency: int,
    dask: str | None,
    ledger: str | None,
    report: bool,
    force: bool,
    yes: bool,
    **options: Any,
) -> None:
    """Run WORKFLOW on everything in IN and download the results to OUT. This costs money.

    IN is a folder, a CSV or JSONL manifest, a file, a URL, or a place in a bucket (s3://, gs://, az://), and
    OUT a folder or a place in a bucket. Run the same command again after a crash or with more files: it continues
    and pays for nothing twice. Ctrl-C finishes the tracks in flight and stops; a second one stops at once.
    """
    from musicai_sdk.batch import Batch, plan
    from musicai_sdk.batch.progress.totals import ProgressWithTotal
    from musicai_sdk.batch.signals import on_signal

    if watch and dask:
        raise click.UsageError("--watch runs in this process: leave out --dask")
    if max_cost is not None and price is None:
        raise click.UsageError("--max-cost needs --price, such as 0.05/min")
    inputs = parse_inputs(
        source,
        glob=glob,
        recursive=recursive,
        watch=watch and not dry_run,  # a dry run covers the present files
        settle=settle,
        force=force,
    )
    out, path = output_and_ledger(out, ledger)
    shared: dict[str, Any] = {"ledger": path, "input_name": input_name, "params": parse_pairs(params)}
    shared |= {"retry_failed": retry_failed, "retry_uncertain": retry_uncertain}
    shared |= {"adopt": adopt or not resume}
    shared |= {"max_jobs": max_jobs, "max_minutes": max_minutes, "max_cost": max_cost}
    shared |= {"prices": {workflow: price} if price is not None else None}
    if dry_run:
        planned = plan(workflow, inputs, out, fresh=not resume, **shared)
        _print_plan(settings, planned)
        click.get_current_context().exit(1 if planned.rejected else 0)
    check_output(out)
    if not resume and path.exists():
        _archive_ledger(path, yes=yes)
    display = display_for(as_json=settings.as_json)
    with ExitStack() as stack:
        options |= shared | {"in_flight": concurrency, "on_event": display, "progress": False}
        options |= _on_cluster(settings, dask, stack) if dask else {"connect": settings.connection()}
        run = Batch(workflow, inputs, out, **options)
        display.follow(ProgressWithTotal(lambda: run.progress, inputs, run.bucket or run.out), run.drain)
        for name in _DRAINING:
            if (number := getattr(signal, name, None)) is not None:
                stack.enter_context(on_signal(number, run.drain))
        with display:
            done = _run(run)
    from musicai_sdk.cli.summary import conclude

    click.get_current_context().exit(conclude(settings, done, page=report, endless=watch))


def _run(run: Batch) -> Report:
    from musicai_sdk.cli.summary import jobs_left
    from musicai_sdk.errors import NotFoundError

    try:
        return run.run()
    except NotFoundError as error:
        error.add_note(LIST_WORKFLOWS)
        raise
    except KeyboardInterrupt as error:
        if left := jobs_left(run.progress):
            error.add_note(Hint(f"{left}; the same command continues with them"))
        raise


def _on_cluster(settings: CommandContext, address: str, stack: ExitStack) -> dict[str, Any]:
    from musicai_sdk.batch import dask_executor

    settings.export_to_children()
    note(f"Dask: {'starting workers' if address == 'local' else address}")
    executor, workers = stack.enter_context(dask_executor(address))
    return {"executor": executor, "shards": workers}


def _archive_ledger(ledger: Path, *, yes: bool) -> None:
    from musicai_sdk.batch import open_ledger, set_aside

    with open_ledger(ledger) as view:
        tracks = sum(view.counts().values())
    note(
        f"The {tracks:,} tracks in the old ledger will be unknown to the new one: if their inputs come again, they are"
        " uploaded and paid for again. The run doesn't continue their unfinished jobs."
    )
    if not yes:
        confirm("Start a new ledger?")
    note(f"The old ledger is kept as {set_aside(ledger)}")


def _print_plan(settings: CommandContext, planned: Plan) -> None:
    from musicai_sdk.batch.dry_run import plan_lines

    if settings.as_json:
        costs = {"total": planned.total.to_dict(), "cost": planned.cost.to_dict()}
        settings.show(asdict(planned) | costs, "")
        return
    for line in plan_lines(planned, "--retry-failed or --retry-uncertain"):
        click.echo(line)
