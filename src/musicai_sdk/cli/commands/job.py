"""`musicai job …`: single jobs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from musicai_sdk._platform import json_text
from musicai_sdk.cli.arguments import (
    DEFAULT_TIMEOUT,
    TIMEOUT,
    client_timeout,
    complete_file,
    complete_folder,
    is_remote,
    not_blank,
    parameter_options,
    parse_input,
    parse_pairs,
    workflow_argument,
)
from musicai_sdk.cli.context import CommandContext, command, confirm, note
from musicai_sdk.cli.group import Group
from musicai_sdk.cli.recovery_hints import create_job, recoverable, terminated_by_sigterm, wait_for_success

if TYPE_CHECKING:
    from musicai_sdk import Job
    from musicai_sdk.models import Filters as JobFilters

F = TypeVar("F", bound=Callable[..., Any])

_STATUSES = ("QUEUED", "STARTED", "SUCCEEDED", "FAILED")


@click.group(cls=Group)
def job() -> None:
    """Create, follow, download and delete jobs."""


def _filters(function: F) -> F:
    status = click.option(
        "--status",
        multiple=True,
        type=click.Choice(_STATUSES, case_sensitive=False),
        help="Only jobs with this status; can be repeated.",
    )
    # A service may ignore an empty filter, and `delete` would delete all jobs.
    workflow = click.option(
        "--workflow",
        multiple=True,
        callback=not_blank("name a workflow, or leave out the option"),
        help="Only jobs of this workflow, by slug; can be repeated.",
    )
    batch = click.option(
        "--batch",
        callback=not_blank("name a batch, or leave out the option"),
        help="Only jobs of this batch.",
    )
    return status(workflow(batch(function)))


def _wanted(status: tuple[str, ...], workflow: tuple[str, ...], batch: str | None) -> JobFilters:
    from musicai_sdk.models import Filters

    return Filters.model_validate(
        {"status": list(status) or None, "workflow": list(workflow) or None, "batchName": batch}
    )


def _cells(each: Job[Any]) -> tuple[str, ...]:
    workflow = each.workflow
    slug = workflow if workflow is None or isinstance(workflow, str) else workflow.name
    return each.id, each.status, slug or "", each.name or ""


@job.command()
@click.argument("name")
@workflow_argument
@click.argument("file", shell_complete=complete_file)
@parameter_options("FILE")
@click.option(
    "--metadata", multiple=True, metavar="NAME=VALUE", help="A value to store with the job; JSON or text."
)
@click.option(
    "--idempotency-key",
    metavar="KEY",
    help="Your own name for this paid request: repeating the command with it finds the first job.",
)
@click.option("--wait/--no-wait", default=False, show_default=True, help="Wait until the job has ended.")
@click.option("--timeout", type=TIMEOUT, help=f"Seconds to wait, with --wait.  [default: {DEFAULT_TIMEOUT}]")
@command
def add(
    settings: CommandContext,
    /,
    name: str,
    workflow: str,
    file: str,
    *,
    params: tuple[str, ...],
    input_name: str,
    metadata: tuple[str, ...],
    idempotency_key: str | None,
    wait: bool,
    timeout: float | None,
) -> None:
    """Create a job NAME that runs WORKFLOW on FILE (a path or a URL), and print its id. This costs money."""
    from musicai_sdk import CustomWorkflow

    if timeout is not None and not wait:
        raise click.UsageError("--timeout needs --wait")
    values = {**parse_pairs(params, reserved=input_name), input_name: parse_input(file)}
    options = {"name": name, "metadata": parse_pairs(metadata) or None, "idempotency_key": idempotency_key}
    with settings.client() as client, terminated_by_sigterm():
        created = create_job(client, CustomWorkflow(workflow, values), **options)
        if not wait:
            settings.show({"id": created.id}, created.id)
            return
        with recoverable(created.id):
            note(f"job {created.id}")
            done = wait_for_success(client, created, client_timeout(timeout or DEFAULT_TIMEOUT))
    settings.show(dict(done), done.id)


@job.command()
@click.argument("job_id")
@command
def info(settings: CommandContext, job_id: str) -> None:
    """Print the job JOB_ID as JSON."""
    with settings.client() as client:
        found = client.jobs.get(job_id)
    settings.show(dict(found), *json_text(dict(found), sys.stdout, indent=2).split("\n"))


@job.command()
@click.argument("job_id")
@command
def status(settings: CommandContext, job_id: str) -> None:
    """Print the status of the job JOB_ID: QUEUED, STARTED, SUCCEEDED or FAILED."""
    with settings.client() as client:
        state = client.jobs.status(job_id)
    settings.show({"id": state.id, "status": state.status}, state.status)


@job.command("list")
@_filters
@command
def list_jobs(
    settings: CommandContext, status: tuple[str, ...], workflow: tuple[str, ...], batch: str | None
) -> None:
    """Print id, status, workflow and name of all jobs of the key's application."""
    with settings.client() as client:
        jobs = client.list_jobs(_wanted(status, workflow, batch))
        settings.show_all((dict(each), _cells(each)) for each in jobs)


@job.command()
@click.argument("job_id")
@click.option("--timeout", type=TIMEOUT, default=DEFAULT_TIMEOUT, show_default=True, help="Seconds to wait.")
@command
def wait(settings: CommandContext, job_id: str, timeout: float) -> None:
    """Wait until JOB_ID has succeeded; exit code 1 if it fails, 5 at the timeout."""
    with settings.client() as client, terminated_by_sigterm(), recoverable(job_id):
        done = wait_for_success(client, job_id, client_timeout(timeout))
    settings.show_all([(dict(done), _cells(done))])


@job.command()
@click.argument("job_id")
@click.argument(
    "folder", shell_complete=complete_folder, callback=not_blank("pass a folder, such as . for this one")
)
@command
def download(settings: CommandContext, job_id: str, folder: str) -> None:
    """Download the results of JOB_ID into FOLDER and print their paths.

    Exit code 1 if a result is at an address that can't be fetched.
    """
    from musicai_sdk.models.result_files import check_result

    if is_remote(folder):
        raise click.UsageError(f"can't write to {folder!r}: pass a local folder")
    with settings.client() as client:
        found = client.jobs.get(job_id)
        files = client.jobs.download(found, folder)
    settings.show_files(files)
    check_result(found)


@job.command()
@click.argument("job_ids", nargs=-1)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="All jobs of the key's application; with filters, all matching jobs.",
)
@_filters
@click.option("--yes", is_flag=True, help="Don't ask before deleting jobs by --all or a filter.")
@command
def delete(
    settings: CommandContext,
    /,
    job_ids: tuple[str, ...],
    *,
    everything: bool,
    status: tuple[str, ...],
    workflow: tuple[str, ...],
    batch: str | None,
    yes: bool,
) -> None:
    """Delete the jobs JOB_IDS, or those that match filters, or --all, together with their results.

    Prints the ids of the deleted jobs. If an id can't be deleted, the others still are; the errors are written to
    standard error, and the first one sets the exit code. A listed job that doesn't show that it matches the filters is
    kept, and the exit code is 1. `musicai job delete all` is the same as --all.
    """
    from musicai_sdk.errors import (
        BadRequestError,
        InputError,
        MusicAiError,
        NotFoundError,
        ResponseError,
        UnprocessableError,
    )
    from musicai_sdk.models.filters import matches

    job_ids = tuple(dict.fromkeys(job_ids))  # deleting an id twice would be an error
    by_filter = everything or job_ids == ("all",) or bool(status or workflow or batch)
    if by_filter == bool(job_ids and job_ids != ("all",)):
        raise click.UsageError("pass ids, --all, or filters, but only one of these")
    with settings.client() as client:
        ids, kept = list(job_ids), list[str]()
        if by_filter:
            filters = _wanted(status, workflow, batch)
            found = {each.id: matches(filters, each) for each in client.list_jobs(filters)}
            ids = [job_id for job_id, is_match in found.items() if is_match]
            kept = [job_id for job_id, is_match in found.items() if is_match is None]
            if ids and not yes:
                confirm(f"Delete {len(ids)} {'job' if len(ids) == 1 else 'jobs'} and all results?")
        problems = list[MusicAiError]()
        for job_id in ids:
            try:
                client.jobs.delete(job_id)
            except (NotFoundError, BadRequestError, UnprocessableError, InputError) as error:
                problems.append(error)
            else:
                settings.show({"deleted": job_id}, job_id)
    if kept:
        problems.append(
            ResponseError(
                f"{len(kept)} listed {'job' if len(kept) == 1 else 'jobs'}, such as {kept[0]}, can't be seen to match the"
                " filters, and weren't deleted: delete them by their ids"
            )
        )
    codes = [settings.report_error(error) for error in problems]
    if codes:
        click.get_current_context().exit(codes[0])
