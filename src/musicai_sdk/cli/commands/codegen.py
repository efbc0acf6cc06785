"""`musicai codegen`: typed classes for the workflows of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from musicai_sdk.cli.arguments import complete_folder
from musicai_sdk.cli.context import CommandContext, command
from musicai_sdk.cli.group import Command

if TYPE_CHECKING:
    from musicai_sdk.codegen import WorkflowSchema


@click.command(cls=Command)
@click.argument("folder", shell_complete=complete_folder)
@click.option(
    "--max-jobs",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    help="The number of finished jobs to read, newest first.",
)
@command
def codegen(settings: CommandContext, folder: str, max_jobs: int) -> None:
    """Infer the account's workflows from its finished jobs, and write typed classes for them to FOLDER.

    This creates no jobs and downloads no audio. Run it again to add new workflows; your edits are kept.
    """
    from musicai_sdk.codegen import discover

    with settings.client() as client:
        found = discover(client, folder, max_jobs=max_jobs)
    settings.show_all(
        (
            {
                "slug": each.slug,
                "class": each.class_name,
                "learned": each.learned,
                "unseen": each.unseen,
            },
            (each.slug, each.class_name or "", _remark(each)),
        )
        for each in found
    )


def _remark(workflow: WorkflowSchema) -> str:
    """What a user of the class has to know about its origin."""
    if not workflow.learned:
        return "(no finished job to learn from)"
    return "(unseen: no finished job; from built-in knowledge)" if workflow.unseen else ""
