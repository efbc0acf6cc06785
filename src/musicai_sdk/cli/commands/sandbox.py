"""`musicai sandbox`: the API on this machine."""

from __future__ import annotations

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run the API on this machine (extra `sandbox`); `musicai sandbox --help` lists its options."""
    from musicai_sdk.sandbox.__main__ import main

    raise SystemExit(main(list(arguments), prog="musicai sandbox"))
