"""The `musicai` group: its options, and its commands without the packages that they need."""

from __future__ import annotations

from pathlib import Path

import click

from musicai_sdk.cli.arguments import folders, is_remote, paths
from musicai_sdk.cli.commands.batch import batch
from musicai_sdk.cli.commands.job import job
from musicai_sdk.cli.commands.mcp import mcp
from musicai_sdk.cli.commands.process_file import process
from musicai_sdk.cli.commands.process_folder import process_folder
from musicai_sdk.cli.context import KEY_FILE_VARIABLE, CommandContext, command
from musicai_sdk.cli.group import Root


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Write results as JSON, one value a line. Goes before the command: musicai --json app.",
)
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar=KEY_FILE_VARIABLE,
    show_envvar=True,
    help="Read the API key from this file; else from MUSIC_AI_API_KEY.",
)
@click.option("--base-url", help="Where the API is; else MUSIC_AI_BASE_URL, else the real service.")
@click.version_option(package_name="musicai-sdk", prog_name="musicai")
@click.pass_context
def musicai(context: click.Context, as_json: bool, key_file: Path | None, base_url: str | None) -> None:  # noqa: FBT001
    """Run Music.AI workflows on songs. The key is read from MUSIC_AI_API_KEY, a file or a prompt."""
    context.obj = CommandContext(as_json, key_file, base_url)


@musicai.command()
@click.argument("file", shell_complete=paths)
@click.pass_obj
@command
def upload(settings: CommandContext, file: str) -> None:
    """Upload FILE and print the URL that a job takes as input."""
    if is_remote(file):
        raise click.UsageError(f"{file!r} is no file on this machine")
    with settings.client() as client:
        uploaded = client.files.upload(file)
    settings.show({"url": uploaded.url, "size": uploaded.size}, uploaded.url)


@musicai.command()
@click.pass_obj
@command
def app(settings: CommandContext) -> None:
    """Print the application that the key belongs to."""
    with settings.client() as client:
        application = client.application.get()
    settings.show(dict(application), f"{application.id}  {application.name}")


@musicai.group()
def workflow() -> None:
    """The workflows of the account."""


@workflow.command("list")
@click.pass_obj
@command
def list_workflows(settings: CommandContext) -> None:
    """Print the slug and the name of every workflow of the account."""
    with settings.client() as client:
        settings.show_all((dict(each), f"{each.slug}  {each.name or ''}") for each in client.workflows.list())


@musicai.command()
@click.argument("folder", shell_complete=folders)
@click.option(
    "--max-jobs",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    help="Finished jobs to learn from, the newest first.",
)
@click.pass_obj
@command
def codegen(settings: CommandContext, folder: str, max_jobs: int) -> None:
    """Learn the account's workflows from its finished jobs, and write typed classes for them to FOLDER.

    Costs nothing and downloads no audio. Run it again to add what is new; what you edited stays.
    """
    from musicai_sdk.codegen import discover

    with settings.client() as client:
        found = discover(client, folder, max_jobs=max_jobs)
    for each in found:
        line = (
            f"{each.slug}  {each.class_name}{'' if each.learned else '  (nothing learned: no finished job)'}"
        )
        settings.show({"slug": each.slug, "class": each.class_name, "learned": each.learned}, line)


@musicai.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run the whole API on this machine (extra `sandbox`); `musicai sandbox --help` has its options."""
    from musicai_sdk.sandbox.__main__ import main

    raise SystemExit(main(list(arguments), prog="musicai sandbox"))


process.add_command(process_folder)
musicai.add_command(batch)
musicai.add_command(job)
musicai.add_command(mcp)
musicai.add_command(process)
