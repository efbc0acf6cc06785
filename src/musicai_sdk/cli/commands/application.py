"""`musicai app`: the application of the key."""

from __future__ import annotations

import click

from musicai_sdk.cli.context import CommandContext, command
from musicai_sdk.cli.group import Command


@click.command(cls=Command)
@command
def app(settings: CommandContext) -> None:
    """Print the application that the key belongs to."""
    with settings.client() as client:
        application = client.application.get()
    settings.show(dict(application), f"{application.id}  {application.name}")
