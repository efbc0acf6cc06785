"""`musicai mcp`: the service for agents."""

from __future__ import annotations

from pathlib import Path

import click

from musicai_sdk.cli.arguments import TIMEOUT, not_blank
from musicai_sdk.cli.context import CommandContext, command
from musicai_sdk.cli.group import Command


@click.command(cls=Command)
@click.option(
    "--root",
    "roots",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    required=True,
    help="A folder that agents may read from and download to; may be given more than once.",
)
@click.option(
    "--max-jobs",
    type=click.IntRange(min=0),
    required=True,
    help="How many jobs agents may create in all; restarts don't reset the count.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False),
    callback=not_blank("name a folder, or leave out the option"),
    help="Where the count and the requests are kept; else in the user's folder for program state.",
)
@click.option(
    "--patience",
    type=TIMEOUT,
    default=20.0,
    show_default=True,
    help="Seconds after which a call answers although its upload or download still runs.",
)
@command
def mcp(
    settings: CommandContext, roots: tuple[Path, ...], max_jobs: int, state: str | None, patience: float
) -> None:
    """Serve agents over the Model Context Protocol on standard input and output (extra `mcp`).

    Jobs that agents create cost money, up to --max-jobs of them. `musicai_sdk.mcp` says how to configure a client of
    the protocol, and what is guaranteed.
    """
    from musicai_sdk.mcp import serve

    serve(settings.connection(), roots=roots, max_jobs=max_jobs, state=state, patience=patience)
