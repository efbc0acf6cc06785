"""`musicai process …`: from a file to its results in one command."""

from __future__ import annotations

import click

from musicai_sdk.cli.arguments import (
    MORE_THAN_NOTHING,
    a_time,
    check_media,
    folders,
    input_value,
    limit,
    output_folder,
    parameter_options,
    parameters,
    paths,
    workflow_argument,
)
from musicai_sdk.cli.context import CommandContext, command, note
from musicai_sdk.cli.locations import check_free
from musicai_sdk.cli.recovery_hints import create, fetched, picked_up, stopped_by_sigterm, waited


@click.group()
def process() -> None:
    """Upload, run a workflow, download the results, delete the job."""


@process.command("file")
@workflow_argument
@click.argument("file", shell_complete=paths)
@click.argument("out", shell_complete=folders)
@parameter_options("FILE")
@click.option(
    "--timeout",
    type=MORE_THAN_NOTHING,
    callback=a_time,
    default=3600.0,
    show_default=True,
    help="Seconds to wait for the job.",
)
@click.option(
    "--keep-jobs/--delete-jobs",
    default=False,
    show_default=True,
    help="Leave the job and its results at the service.",
)
@click.option("--force", is_flag=True, help="Send FILE even if it is no audio or video by its name.")
@click.option("--overwrite", is_flag=True, help="Replace results that are in OUT already.")
@click.pass_obj
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

    Give every file an OUT of its own: one that has results already is refused. A job that fails is left at the service,
    so that it can be looked at; so is one whose results aren't all here.
    """
    from musicai_sdk import CustomWorkflow

    source = input_value(file)
    asked = CustomWorkflow(workflow, {**parameters(params, taken=input_name), input_name: source})
    if not isinstance(source, str) and not force:
        check_media(file, manifests=False)
    folder = output_folder(out)
    if not overwrite:
        check_free(folder)
    with settings.client() as client, stopped_by_sigterm():
        created = create(client, asked)
        with picked_up(created.id, out):
            note(f"job {created.id}")
            waited(client, created, limit(timeout))
            files = fetched(client, created, folder, overwrite=overwrite)
            if not keep_jobs:
                client.jobs.delete(created)
    settings.show_files(files)
