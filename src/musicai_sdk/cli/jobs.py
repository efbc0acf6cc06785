"""`musicai job …`: single jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from musicai_sdk.cli.settings import Settings, command, input_value, note, parameters

if TYPE_CHECKING:
    from musicai_sdk import Job, MusicAiClient

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def job() -> None:
    """Create, follow, fetch and delete jobs."""


def _filters(function: F) -> F:
    status = click.option("--status", multiple=True, help="Only these statuses; can be repeated.")
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
@click.argument("workflow")
@click.argument("file")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; JSON or text.")
@click.option("--input-name", default="inputUrl", show_default=True, help="The parameter that takes FILE.")
@click.option("--wait/--no-wait", default=False, help="Wait until the job has ended.")
@click.pass_obj
@command
def add(
    settings: Settings,
    name: str,
    workflow: str,
    file: str,
    params: tuple[str, ...],
    input_name: str,
    wait: bool,  # noqa: FBT001
) -> None:
    """Create a job NAME on WORKFLOW with FILE (a path or a URL) and print its id. This costs money."""
    from musicai_sdk import CustomWorkflow

    asked = CustomWorkflow(workflow, {**parameters(params), input_name: input_value(file)})
    with settings.client() as client:
        created = client.jobs.create(asked, name=name)
        if not wait:
            settings.show({"id": created.id}, created.id)
            return
        note(f"job {created.id}")
        done = client.jobs.wait(created, on_update=lambda state: note(f"  {state.status}"))
        done.raise_for_failure()
        settings.show(dict(done), done.id)


@job.command()
@click.argument("job_id")
@click.pass_obj
@command
def info(settings: Settings, job_id: str) -> None:
    """Print the job JOB_ID as JSON."""
    import json

    with settings.client() as client:
        found = client.jobs.get(job_id)
    settings.show(dict(found), json.dumps(dict(found), indent=2, ensure_ascii=False))


@job.command("list")
@_filters
@click.pass_obj
@command
def list_jobs(
    settings: Settings, status: tuple[str, ...], workflow: tuple[str, ...], batch: str | None
) -> None:
    """Print id, status, workflow and name of all jobs of the key's application."""
    with settings.client() as client:
        settings.show_all((dict(each), _line(each)) for each in _listed(client, status, workflow, batch))


@job.command()
@click.argument("job_id")
@click.option("--timeout", type=float, default=3600.0, show_default=True, help="Seconds to wait.")
@click.pass_obj
@command
def wait(settings: Settings, job_id: str, timeout: float) -> None:
    """Wait until JOB_ID has succeeded; exit code 1 if it fails, 5 at the timeout."""
    with settings.client() as client:
        done = client.jobs.wait(job_id, timeout=timeout, on_update=lambda state: note(f"  {state.status}"))
    done.raise_for_failure()
    settings.show(dict(done), _line(done))


@job.command()
@click.argument("job_id")
@click.argument("folder")
@click.pass_obj
@command
def download(settings: Settings, job_id: str, folder: str) -> None:
    """Download the results of JOB_ID into FOLDER and print their paths."""
    with settings.client() as client:
        files = client.jobs.download(job_id, folder)
    for output, path in files.items():
        settings.show({"output": output, "path": str(path)}, str(path))
    settings.show({"manifest": str(files.manifest)}, str(files.manifest))


@job.command()
@click.argument("job_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Delete all jobs that the filters leave.")
@_filters
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.pass_obj
@command
def delete(
    settings: Settings,
    job_ids: tuple[str, ...],
    everything: bool,  # noqa: FBT001
    status: tuple[str, ...],
    workflow: tuple[str, ...],
    batch: str | None,
    yes: bool,  # noqa: FBT001
) -> None:
    """Delete the jobs JOB_IDS, or `all` of them, or those that filters select. Their results go with them."""
    by_filter = everything or job_ids == ("all",) or bool(status or workflow or batch)
    if by_filter == bool(job_ids and job_ids != ("all",)):
        raise click.UsageError("give either ids, or --all, or filters")
    with settings.client() as client:
        ids = [each.id for each in _listed(client, status, workflow, batch)] if by_filter else list(job_ids)
        if by_filter and not yes and ids:
            click.confirm(f"Delete {len(ids)} jobs and their results?", abort=True, err=True)
        for job_id in ids:
            client.jobs.delete(job_id)
            settings.show({"deleted": job_id}, job_id)
