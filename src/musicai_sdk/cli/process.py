"""`musicai process …`: from a file to its results in one command."""

from __future__ import annotations

import click

from musicai_sdk.cli.settings import Settings, command, input_value, note, parameters


@click.group()
def process() -> None:
    """Upload, run a workflow, download the results, delete the job."""


@process.command("file")
@click.argument("workflow")
@click.argument("file")
@click.argument("out")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; JSON or text.")
@click.option("--input-name", default="inputUrl", show_default=True, help="The parameter that takes FILE.")
@click.option("--timeout", type=float, default=3600.0, show_default=True, help="Seconds to wait for the job.")
@click.option(
    "--keep-jobs/--delete-jobs", default=False, help="Leave the job and its results at the service."
)
@click.pass_obj
@command
def process_file(
    settings: Settings,
    workflow: str,
    file: str,
    out: str,
    params: tuple[str, ...],
    input_name: str,
    timeout: float,
    keep_jobs: bool,  # noqa: FBT001
) -> None:
    """Run WORKFLOW on FILE (a path or a URL) and download the results to OUT. This costs money.

    A job that fails is left at the service, so that it can be looked at.
    """
    from musicai_sdk import CustomWorkflow

    asked = CustomWorkflow(workflow, {**parameters(params), input_name: input_value(file)})
    with settings.client() as client:
        created = client.jobs.create(asked)
        note(f"job {created.id}")
        done = client.jobs.wait(created, timeout=timeout, on_update=lambda state: note(f"  {state.status}"))
        done.raise_for_failure()
        files = client.jobs.download(done, out)
        if not keep_jobs:
            client.jobs.delete(done)
    for output, path in files.items():
        settings.show({"output": output, "path": str(path)}, str(path))
    settings.show({"manifest": str(files.manifest)}, str(files.manifest))
