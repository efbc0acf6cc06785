"""The `musicai` group with all its commands."""

from __future__ import annotations

import click

from musicai_sdk.cli.commands.account import app, login, logout, whoami
from musicai_sdk.cli.commands.batch import batch
from musicai_sdk.cli.commands.codegen import codegen
from musicai_sdk.cli.commands.doctor import doctor
from musicai_sdk.cli.commands.job import job
from musicai_sdk.cli.commands.mcp import mcp
from musicai_sdk.cli.commands.process_file import process
from musicai_sdk.cli.commands.process_folder import process_folder
from musicai_sdk.cli.commands.sandbox import sandbox
from musicai_sdk.cli.commands.upload import upload
from musicai_sdk.cli.commands.workflow import workflow
from musicai_sdk.cli.group import Group


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="musicai-sdk", prog_name="musicai")
def musicai() -> None:
    """Run Music.AI workflows on songs. `musicai login` stores your key; MUSIC_AI_API_KEY takes precedence."""


process.add_command(process_folder)
_COMMANDS: tuple[click.Command, ...] = (
    *(app, batch, codegen, doctor, job, login, logout, mcp, process, sandbox, upload, whoami, workflow),
)
for _each in _COMMANDS:
    musicai.add_command(_each)
