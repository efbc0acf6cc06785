"""`musicai login`, `logout`, `whoami` and `app`: the key, and the application that it belongs to."""

from __future__ import annotations

import os
import sys
from typing import TextIO, cast

import click

from musicai_sdk.cli.context import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    CommandContext,
    command,
    is_interactive,
    note,
)
from musicai_sdk.cli.group import Command

_LONGEST_KEY = 10_000
"""The longest standard input to read as a key, in bytes."""


@click.command(cls=Command)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the key from standard input.")
@click.option(
    "--check/--no-check", default=True, show_default=True, help="Ask the service whether it accepts the key."
)
@command
def login(settings: CommandContext, *, from_stdin: bool, check: bool) -> None:
    """Store an API key, for this command and for programs that use the package.

    Asks for the key, or reads it from standard input (--stdin) or from --key-file. The key is stored for the base URL in
    force, and sent to no other, in a file that only you can read, in your configuration folder. MUSIC_AI_API_KEY and
    MUSIC_AI_API_KEY_FILE take precedence.
    """
    from musicai_sdk import MusicAiClient
    from musicai_sdk._credentials import Secret, store

    if from_stdin and settings.key_file:
        raise click.UsageError("pass either --stdin or --key-file")
    if from_stdin:
        key = _from_standard_input(settings)
    elif settings.key_file:
        key = settings.read_key_file(settings.key_file)
    elif is_interactive():
        key = settings.ask_for_key()
    else:
        raise click.UsageError("standard input isn't a terminal: --stdin reads the key from it")
    with MusicAiClient(key, base_url=settings.base_url) as client:
        application = client.application.get() if check else None
        path = store(client.base_url, Secret(client.api_key))
        address = client.base_url
    value = {"base_url": address, "file": str(path), "application": application and application.name}
    owner = f" of the application {application.name}" if application else ""
    settings.show(value, f"stored the key{owner} for {address} in {path}")
    for variable in (KEY_FILE_VARIABLE, KEY_VARIABLE):
        if os.environ.get(variable, "").strip():
            note(
                f"musicai: {variable} is set and comes before the stored key: unset it to use the stored one"
            )


def _from_standard_input(settings: CommandContext) -> str:
    settings.key_origin = "standard input"
    stdin = cast("TextIO | None", sys.stdin)
    if stdin is None:
        raise click.UsageError("there is no standard input to read the key from: --key-file reads a file")
    content = stdin.buffer.read(_LONGEST_KEY + 1)
    if len(content) > _LONGEST_KEY:
        raise click.UsageError("standard input is too long for a key")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError("standard input isn't text, so it contains no key") from None


@click.command(cls=Command)
@click.option("--all", "everything", is_flag=True, help="Remove the keys of all base URLs.")
@command
def logout(settings: CommandContext, *, everything: bool) -> None:
    """Remove the stored key of the base URL in force. The key itself stays valid."""
    from musicai_sdk._credentials import credentials_file, forget, forget_all

    address = settings.address()
    removed = forget_all() if everything else forget(address)
    key = "key" if everything else f"key for {address}"
    done = f"removed every {key}" if everything else f"removed the {key}"
    settings.show(
        {"removed": removed}, f"{done}: {credentials_file()}" if removed else f"there is no stored {key}"
    )


@click.command(cls=Command)
@command
def whoami(settings: CommandContext) -> None:
    """Print the application of the key, where the key comes from, and the base URL. The key is masked."""
    from musicai_sdk._credentials import masked

    with settings.client() as client:
        application = client.application.get()
        key, address = masked(client.api_key), client.base_url
    value = {
        "application": {"id": application.id, "name": application.name},
        "key": key,
        "key_source": settings.key_origin,
        "base_url": address,
    }
    lines = (
        f"application  {application.name}  {application.id}",
        f"key          {key}, from {settings.key_origin}",
        f"base URL     {address}",
    )
    settings.show(value, *lines)


@click.command(cls=Command)
@command
def app(settings: CommandContext) -> None:
    """Print the application that the key belongs to."""
    with settings.client() as client:
        application = client.application.get()
    settings.show(dict(application), f"{application.id}  {application.name}")
