"""The classes of all commands and groups: each accepts the options that belong to `musicai` itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from typing_extensions import override

from musicai_sdk._platform import escape_unencodable
from musicai_sdk.cli.context import KEY_FILE_VARIABLE, CommandContext
from musicai_sdk.cli.errors import report_error


def _store(context: click.Context, option: click.Parameter, value: object) -> None:
    settings = context.ensure_object(CommandContext)
    name = option.name or ""
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        setattr(settings, name, value)


def _option(*names: str, **settings: Any) -> click.Option:
    return click.Option(names, callback=_store, expose_value=False, **settings)


_OPTIONS: list[click.Parameter] = [
    _option("--json", "as_json", is_flag=True, help="Write results as JSON, one value per line."),
    _option(
        "--key-file",
        type=click.Path(path_type=Path),
        help=f"Read the API key from this file; {KEY_FILE_VARIABLE} can name it too.",
    ),
    _option("--base-url", help="The address of the API; MUSIC_AI_BASE_URL or the real service if omitted."),
]
"""The options of `musicai`. Each sets the field of its name in the `CommandContext`; the last one given counts."""


class Command(click.Command):
    """A command that also accepts `--json`, `--key-file` and `--base-url`."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params.extend(_OPTIONS)


class Group(Command, click.Group):
    """A group that accepts the same options; its commands and subgroups do so too."""

    command_class: type[click.Command] | None = Command
    group_class: type[click.Group | type] | None = type

    @override
    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs the program."""
        escape_unencodable()
        try:
            return super().main(*args, **extra)
        except OSError as error:  # outside a command: help that can't be written
            sys.exit(report_error(error, None, as_json=False))
