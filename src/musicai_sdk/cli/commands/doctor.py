"""`musicai doctor`: what keeps the command from working, and what to do."""

from __future__ import annotations

from dataclasses import asdict

import click

from musicai_sdk.cli.context import CommandContext, command
from musicai_sdk.cli.group import Command


@click.command(cls=Command)
@command
def doctor(settings: CommandContext) -> None:
    """Check versions, key, base URL, proxies, certificates, the clock, and whether jobs can be listed.

    Prints what was found, and what to do. The exit code is 0 if everything is well, and 1 otherwise. Creates no job, and
    shows neither the key nor a proxy's password.
    """
    from musicai_sdk._doctor import KeyLookup, examine
    from musicai_sdk.errors import ConfigurationError

    try:
        lookup = KeyLookup(settings.find_key(ask=False), settings.key_origin)
    except (ConfigurationError, click.UsageError) as error:
        lookup = KeyLookup(origin=settings.key_origin, problem=str(error))
    well = True
    for finding in examine(lookup, settings.base_url):
        well = well and finding.level == "ok"
        lines = [f"{finding.level:8} {finding.check:13} {finding.text}"]
        if finding.advice:
            lines.append(f"{'':8} {'':13} → {finding.advice}")
        settings.show(asdict(finding), *lines)
    if not well:
        click.get_current_context().exit(1)
