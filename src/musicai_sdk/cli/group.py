"""The classes of all commands and groups: each accepts the options that belong to `musicai` itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from musicai_sdk.cli.context import KEY_FILE_VARIABLE, CommandContext


class Command(click.Command):
    """A command that also accepts `--json`, `--key-file` and `--base-url`."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += _shared_options()


class Group(click.Group):
    """A group that accepts the same options, and makes its commands and groups of these classes."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += _shared_options()


def _shared_options() -> list[click.Parameter]:
    """New options that set the fields of the same name in the `CommandContext`; the last one given counts."""
    return [
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            callback=_store,
            expose_value=False,
            help="Write results as JSON, one value per line.",
        ),
        click.Option(
            ["--key-file"],
            type=click.Path(path_type=Path),
            callback=_store,
            expose_value=False,
            help=f"Read the API key from this file; {KEY_FILE_VARIABLE} can name it too.",
        ),
        click.Option(
            ["--base-url"],
            callback=_store,
            expose_value=False,
            help="The address of the API; MUSIC_AI_BASE_URL or the real service if omitted.",
        ),
    ]


def _store(context: click.Context, option: click.Parameter, value: object) -> None:
    settings = context.ensure_object(CommandContext)
    name = option.name or ""
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        setattr(settings, name, value)
