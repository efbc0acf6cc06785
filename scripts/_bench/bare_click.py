"""The least that a command line with click costs: `python bare_click.py --help`."""

from __future__ import annotations

import click


@click.group()
def bare() -> None:
    """A group with one command."""


@bare.command()
@click.option("--name", help="Any name.")
def command(name: str) -> None:
    """A command."""
    click.echo(name)


if __name__ == "__main__":
    bare()
