"""`musicai workflow …`: the workflows of the account."""

from __future__ import annotations

import click

from musicai_sdk.cli.context import CommandContext, command
from musicai_sdk.cli.group import Group


@click.group(cls=Group)
def workflow() -> None:
    """The workflows of the account."""


@workflow.command("list")
@command
def list_workflows(settings: CommandContext) -> None:
    """Print the slug and the name of every workflow of the account."""
    with settings.client() as client:
        settings.show_all((dict(each), (each.slug, each.name or "")) for each in client.workflows.list())
