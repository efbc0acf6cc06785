"""`musicai process folder`: a catalogue, with a ledger that survives everything."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musicai_sdk.cli.arguments import (
    NOTHING_OR_MORE,
    a_time,
    folders,
    parameter_options,
    parameters,
    paths,
    workflow_argument,
)
from musicai_sdk.cli.context import CommandContext, ask, command, note
from musicai_sdk.cli.errors import Hint
from musicai_sdk.cli.locations import check_out, inputs_at, places_of
from musicai_sdk.cli.progress import display_for
from musicai_sdk.cli.recovery_hints import WORKFLOWS

if TYPE_CHECKING:
    from musicai_sdk.batch import Batch, Plan, Report

_COUNT = click.IntRange(min=1)


_ENDING = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that drain a run: `docker stop` and systemd send the first, a closed terminal the second,
a closed console of Windows and Ctrl-Break the third."""
_MANIFEST = """\b
The columns of a manifest, or the keys of its lines:
  input   a path relative to the manifest, or a URL; `path` and `url` mean the same
  name    where the results go in OUT; may be left out
  others  each a parameter of the workflow, JSON or text, such as --param gives to all
"""


@click.command("folder", epilog=_MANIFEST)
@workflow_argument
@click.argument("source", metavar="IN", shell_complete=paths)
@click.argument("out", shell_complete=folders)
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C, with the files that come.")
@click.option("-c", "--concurrency", type=_COUNT, default=10, show_default=True, help="Jobs at a time.")
@click.option(
    "--recursive/--no-recursive", default=True, show_default=True, help="Folders in the folder too."
)
@click.option(
    "--glob", metavar="PATTERN", help="Which files, such as '*.flac'; audio and video when left out."
)
@click.option(
    "--resume/--fresh",
    default=True,
    show_default=True,
    help="Go on where an earlier run ended, or begin a new ledger and pay for everything again.",
)
@click.option("--retry-failed", is_flag=True, help="Try again what failed; a job that failed is paid anew.")
@click.option("--retry-uncertain", is_flag=True, help="Send again what may have been sent, and isn't listed.")
@click.option(
    "--keep-jobs/--delete-jobs",
    default=False,
    show_default=True,
    help="Leave the jobs and their results at the service; a later run without it deletes those of finished tracks.",
)
@click.option(
    "--adopt",
    is_flag=True,
    help="Go on although the ledger is missing or older than the results in OUT; what they cost may be paid again.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would be done. Needs no key.")
@parameter_options("each file")
@click.option(
    "--ledger",
    metavar="FILE",
    shell_complete=paths,
    help="The ledger, if not in OUT; needed where OUT is a bucket.",
)
@click.option("--uploads", type=_COUNT, default=4, show_default=True, help="Uploads at a time.")
@click.option("--downloads", type=_COUNT, default=4, show_default=True, help="Downloads at a time.")
@click.option(
    "--dask", metavar="ADDRESS", help="A cluster: tcp://scheduler:8786, or local for processes here."
)
@click.option(
    "--settle",
    type=NOTHING_OR_MORE,
    callback=a_time,
    default=5.0,
    show_default=True,
    help="Seconds after which an unchanged file is complete, with --watch.",
)
@click.option(
    "--grace",
    type=NOTHING_OR_MORE,
    callback=a_time,
    default=10.0,
    show_default=True,
    help="Seconds in which a job is listed after its creation; for what an earlier run left.",
)
@click.option(
    "--report/--no-report", default=True, show_default=True, help="Write OUT/report.html at the end."
)
@click.option("--force", is_flag=True, help="Take a single IN even if it is no audio or video by its name.")
@click.option("--yes", is_flag=True, help="Don't ask before --fresh begins a new ledger.")
@click.pass_obj
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
    OUT a folder or a place in a bucket. Run the same command again after a crash or with more files: it goes
    on, and pays for nothing twice. Ctrl-C once ends it in order, twice at once.
    """
    from musicai_sdk.batch import Batch, plan
    from musicai_sdk.batch.signals import on_signal
    from musicai_sdk.cli.progress.totals import Expected

    if watch and dask:
        raise click.UsageError("--watch runs in this process: leave out --dask")
    # A dry run tells of the files that are there.
    follow = watch and not dry_run
    inputs = inputs_at(source, glob=glob, recursive=recursive, watch=follow, settle=settle, force=force)
    out, path = places_of(out, ledger)
    asked: dict[str, Any] = {"ledger": path, "input_name": input_name, "params": parameters(params)}
    asked |= {"retry_failed": retry_failed, "retry_uncertain": retry_uncertain}
    asked |= {"adopt": adopt or not resume}
    if dry_run:
        found = plan(workflow, inputs, out, fresh=not resume, **asked)
        _tell(settings, found)
        click.get_current_context().exit(1 if found.rejected else 0)
    check_out(out)
    if not resume and path.exists():
        _begin_anew(path, yes=yes)
    display = display_for(as_json=settings.as_json)
    with ExitStack() as stack:
        options |= asked | {"in_flight": concurrency, "on_event": display}
        options |= _on_cluster(settings, dask, stack) if dask else {"connect": settings.connection()}
        run = Batch(workflow, inputs, out, **options)
        display.follow(Expected(lambda: run.progress, inputs, run.bucket or run.out), run.drain)
        # As Ctrl-C does.
        for name in _ENDING:
            if (number := getattr(signal, name, None)) is not None:
                stack.enter_context(on_signal(number, run.drain))
        with display:
            done = _run(run)
    from musicai_sdk.cli.summary import conclude

    click.get_current_context().exit(conclude(settings, done, page=report, endless=watch))


def _run(run: Batch) -> Report:
    from musicai_sdk.cli.summary import at_the_service
    from musicai_sdk.errors import NotFoundError

    try:
        return run.run()
    except NotFoundError as error:
        error.add_note(WORKFLOWS)
        raise
    except KeyboardInterrupt as error:
        if going_on := at_the_service(run.progress):
            error.add_note(Hint(f"{going_on}; the same command picks them up"))
        raise


def _on_cluster(settings: CommandContext, address: str, stack: ExitStack) -> dict[str, Any]:
    from musicai_sdk.batch import dask_executor
    from musicai_sdk.errors import ConnectionFailedError, MusicAiError

    settings.give_to_children()
    note(f"Dask: {'starting workers' if address == 'local' else address}")
    try:
        executor, workers = stack.enter_context(dask_executor(address))
    except ValueError as error:
        if isinstance(error, MusicAiError):
            raise
        raise click.UsageError(
            f"--dask {address!r} is no scheduler's address: give tcp://scheduler:8786, or local ({error})"
        ) from None
    except OSError as error:
        if address == "local" or isinstance(error, MusicAiError):
            raise
        raise ConnectionFailedError(f"can't reach the scheduler {address}: {error}", sent=False) from None
    return {"executor": executor, "shards": workers}


def _begin_anew(ledger: Path, *, yes: bool) -> None:
    from musicai_sdk.batch import open_ledger, set_aside

    with open_ledger(ledger) as view:
        tracks = sum(view.counts().values())
    note(
        f"A new ledger knows nothing: of the {tracks:,} tracks in the old one, those that come again are uploaded and"
        " paid for again, and jobs that are under way aren't followed."
    )
    if not yes:
        ask("Begin a new ledger?")
    note(f"The old ledger is kept as {set_aside(ledger)}")


def _tell(settings: CommandContext, found: Plan) -> None:
    from musicai_sdk.cli.formatting import place, printable, size

    if settings.as_json:
        settings.show(asdict(found), "")
        return
    upload = f"{size(found.upload)} to upload" if found.upload else "nothing to upload"
    for count, what in (
        (found.new, f"new: {upload}, each a job to pay for"),
        (found.continued - found.unanswered, "under way: paid for, and gone on with"),
        (found.unanswered, "under way, without an answer: looked for, and paid for only if there is no job"),
        (found.retried, "failed before: tried again, a job that failed is paid anew"),
        (found.finished, "done before"),
        (found.failed, "failed before: left alone without --retry-failed or --retry-uncertain"),
        (found.duplicates, "the same as others: no job of their own"),
        (len(found.rejected), "not taken:"),
    ):
        if count or what.startswith("new"):
            click.echo(f"{count:>9,}  {what}")
    for each in found.rejected:
        click.echo(f"{'':9}  {place(each.source)}: {printable(each.reason)}")
