"""`musicai upload`: a file at the service, without a job."""

from __future__ import annotations

import click

from musicai_sdk.cli.arguments import complete_file, is_remote
from musicai_sdk.cli.context import CommandContext, command
from musicai_sdk.cli.group import Command


@click.command(cls=Command)
@click.argument("file", shell_complete=complete_file)
@command
def upload(settings: CommandContext, file: str) -> None:
    """Upload FILE and print the URL to use as the input of a job."""
    if is_remote(file):
        raise click.UsageError(f"{file!r} is not a file on this machine: pass a local path")
    with settings.client() as client:
        uploaded = client.files.upload(file)
    settings.show({"url": uploaded.url, "size": uploaded.size}, uploaded.url)
