"""`musicai job …`: single jobs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from musicai_sdk._platform import json_text
from musicai_sdk.cli.arguments import (
    MORE_THAN_NOTHING,
    a_time,
    folders,
    input_value,
    is_remote,
    limit,
    parameter_options,
    parameters,
    paths,
    workflow_argument,
)
from musicai_sdk.cli.context import CommandContext, ask, command, note
from musicai_sdk.cli.recovery_hints import create, picked_up, stopped_by_sigterm, waited

if TYPE_CHECKING:
    from musicai_sdk import Job, MusicAiClient

F = TypeVar("F", bound=Callable[..., Any])

_LONGEST = 3600.0
"""Seconds to wait for a job unless told otherwise."""
_STATUSES = ("QUEUED", "STARTED", "SUCCEEDED", "FAILED")


@click.group()
def job() -> None:
    """Create, follow, fetch and delete jobs."""


def _filters(function: F) -> F:
    status = click.option(
        "--status",
        multiple=True,
        type=click.Choice(_STATUSES, case_sensitive=False),
        help="Only these statuses; can be repeated.",
    )
    workflow = click.option(
        "--workflow", multiple=True, help="Only these workflows, by slug; can be repeated."
    )
    batch = click.option("--batch", help="Only this batch.")
    return status(workflow(batch(function)))


def _listed(
    client: MusicAiClient, status: tuple[str, ...], workflow: tuple[str, ...], batch: str | None
) -> list[Job[Any]]:
    filters = {"status": list(status) or None, "workflow": list(workflow) or None, "batchName": batch}
    return client.list_jobs(filters)


def _line(each: Job[Any]) -> str:
    slug = each.workflow if isinstance(each.workflow, str) else each.workflow and each.workflow.name
    return f"{each.id}  {each.status:<9}  {slug or ''}  {each.name or ''}"


@job.command()
@click.argument("name")
@workflow_argument
@click.argument("file", shell_complete=paths)
@parameter_options("FILE")
@click.option("--wait/--no-wait", default=False, show_default=True, help="Wait until the job has ended.")
@click.pass_obj
@command
def add(
    settings: CommandContext,
    name: str,
    workflow: str,
    file: str,
    params: tuple[str, ...],
    input_name: str,
    wait: bool,  # noqa: FBT001
) -> None:
    """Create a job NAME on WORKFLOW with FILE (a path or a URL) and print its id. This costs money."""
    from musicai_sdk import CustomWorkflow

    asked = CustomWorkflow(workflow, {**parameters(params, taken=input_name), input_name: input_value(file)})
    with settings.client() as client, stopped_by_sigterm():
        created = create(client, asked, name=name)
        if not wait:
            settings.show({"id": created.id}, created.id)
            return
        with picked_up(created.id):
            note(f"job {created.id}")
            done = waited(client, created, _LONGEST)
    settings.show(dict(done), done.id)


@job.command()
@click.argument("job_id")
@click.pass_obj
@command
def info(settings: CommandContext, job_id: str) -> None:
    """Print the job JOB_ID as JSON."""
    with settings.client() as client:
        found = client.jobs.get(job_id)
    settings.show(dict(found), json_text(dict(found), sys.stdout, indent=2))


@job.command("list")
@_filters
@click.pass_obj
@command
def list_jobs(
    settings: CommandContext, status: tuple[str, ...], workflow: tuple[str, ...], batch: str | None
) -> None:
    """Print id, status, workflow and name of all jobs of the key's application."""
    with settings.client() as client:
        settings.show_all((dict(each), _line(each)) for each in _listed(client, status, workflow, batch))


@job.command()
@click.argument("job_id")
@click.option(
    "--timeout",
    type=MORE_THAN_NOTHING,
    callback=a_time,
    default=_LONGEST,
    show_default=True,
    help="Seconds to wait.",
)
@click.pass_obj
@command
def wait(settings: CommandContext, job_id: str, timeout: float) -> None:
    """Wait until JOB_ID has succeeded; exit code 1 if it fails, 5 at the timeout."""
    with settings.client() as client, stopped_by_sigterm(), picked_up(job_id):
        done = waited(client, job_id, limit(timeout))
    settings.show(dict(done), _line(done))


@job.command()
@click.argument("job_id")
@click.argument("folder", shell_complete=folders)
@click.pass_obj
@command
def download(settings: CommandContext, job_id: str, folder: str) -> None:
    """Download the results of JOB_ID into FOLDER and print their paths."""
    if is_remote(folder):
        raise click.UsageError(f"can't write to {folder!r}: give a folder")
    with settings.client() as client:
        files = client.jobs.download(job_id, folder)
    settings.show_files(files)


@job.command()
@click.argument("job_ids", nargs=-1)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="All jobs of the key's application; with filters, all that they select.",
)
@_filters
@click.option("--yes", is_flag=True, help="Don't ask before jobs are deleted by --all or a filter.")
@click.pass_obj
@command
def delete(
    settings: CommandContext,
    job_ids: tuple[str, ...],
    everything: bool,  # noqa: FBT001
    status: tuple[str, ...],
    workflow: tuple[str, ...],
    batch: str | None,
    yes: bool,  # noqa: FBT001
) -> None:
    """Delete the jobs JOB_IDS, or those that filters select, or --all. Their results go with them.

    Prints the ids that are deleted. An id that can't be deleted doesn't stop the others: it is told at the end,
    and by the exit code. `musicai job delete all` is the same as --all.
    """
    from musicai_sdk.errors import (
        BadRequestError,
        InputError,
        MusicAiError,
        NotFoundError,
        UnprocessableError,
    )

    job_ids = tuple(dict.fromkeys(job_ids))  # the second time it would not be there any more
    by_filter = everything or job_ids == ("all",) or bool(status or workflow or batch)
    if by_filter == bool(job_ids and job_ids != ("all",)):
        raise click.UsageError("give either ids, or --all, or filters")
    with settings.client() as client:
        ids = [each.id for each in _listed(client, status, workflow, batch)] if by_filter else list(job_ids)
        if by_filter and not yes and ids:
            ask(f"Delete {len(ids)} {'job' if len(ids) == 1 else 'jobs'} and all results?")
        problems = list[MusicAiError]()
        for job_id in ids:
            try:
                client.jobs.delete(job_id)
            except (NotFoundError, BadRequestError, UnprocessableError, InputError) as error:
                problems.append(error)
            else:
                settings.show({"deleted": job_id}, job_id)
    codes = [settings.tell(error) for error in problems]
    if codes:
        click.get_current_context().exit(codes[0])
