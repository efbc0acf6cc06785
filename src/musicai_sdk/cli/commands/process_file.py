"""`musicai process …`: from a file to its results in one command."""

from __future__ import annotations

from pathlib import Path

import click

from musicai_sdk.cli.arguments import (
    DEFAULT_TIMEOUT,
    TIMEOUT,
    check_media,
    client_timeout,
    complete_file,
    complete_folder,
    local_output_folder,
    parameter_options,
    parse_input,
    parse_pairs,
    workflow_argument,
)
from musicai_sdk.cli.context import CommandContext, command, note
from musicai_sdk.cli.group import Group
from musicai_sdk.cli.locations import check_no_results, claimed
from musicai_sdk.cli.recovery_hints import (
    create_job,
    download_all,
    recoverable,
    terminated_by_sigterm,
    wait_for_success,
)


@click.group(cls=Group)
def process() -> None:
    """Upload, run a workflow, download the results, delete the job."""


@process.command("file")
@workflow_argument
@click.argument("file", shell_complete=complete_file)
@click.argument("out", shell_complete=complete_folder)
@parameter_options("FILE")
@click.option(
    "--timeout",
    type=TIMEOUT,
    default=DEFAULT_TIMEOUT,
    show_default=True,
    help="Seconds to wait for the job.",
)
@click.option(
    "--keep-jobs/--delete-jobs",
    default=False,
    show_default=True,
    help="Keep the job and its results at the service.",
)
@click.option("--force", is_flag=True, help="Send FILE even without the extension of audio or video.")
@click.option("--overwrite", is_flag=True, help="Replace results that are already in OUT.")
@command
def process_file(
    settings: CommandContext,
    /,
    workflow: str,
    file: str,
    out: str,
    *,
    params: tuple[str, ...],
    input_name: str,
    timeout: float,
    keep_jobs: bool,
    force: bool,
    overwrite: bool,
) -> None:
    """Run WORKFLOW on FILE (a path or a URL) and download the results to OUT. This costs money.

    Give every file its own OUT: a folder with results is refused. A job that fails, or whose results are incomplete, is
    kept at the service. An output without a value counts as missing if it has none after 5 s.
    """
    from musicai_sdk import CustomWorkflow

    source = parse_input(file)
    request = CustomWorkflow(workflow, {**parse_pairs(params, reserved=input_name), input_name: source})
    if not isinstance(source, str) and not force:
        check_media(file, manifests=False)
    folder = local_output_folder(out)
    with claimed(folder), settings.client() as client, terminated_by_sigterm():
        if not overwrite:
            check_no_results(folder)
        # The URL of an upload has no name, so the service's messages name the job.
        created = create_job(client, request, name=None if isinstance(source, str) else job_name(source))
        with recoverable(created.id, out):
            note(f"job {created.id}")
            wait_for_success(client, created, client_timeout(timeout))
            files = download_all(client, created, folder, overwrite=overwrite, may_lack=keep_jobs)
            if not keep_jobs:
                client.jobs.delete(created)
    settings.show_files(files)


def job_name(file: Path) -> str:
    """The file's name, as far as JSON can represent it."""
    return file.name.encode("utf-8", "replace").decode()
