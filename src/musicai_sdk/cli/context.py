"""The code that all commands share: the key and its origin, the output of results, and the end of a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TextIO, TypeVar, cast

import click

from musicai_sdk._platform import json_text
from musicai_sdk.cli.errors import INTERRUPTED, report_error
from musicai_sdk.cli.errors import visible as visible

if TYPE_CHECKING:
    from musicai_sdk import AsyncMusicAiClient, MusicAiClient
    from musicai_sdk.models import JobFiles

P = ParamSpec("P")
T = TypeVar("T")

KEY_VARIABLE = "MUSIC_AI_API_KEY"
KEY_FILE_VARIABLE = "MUSIC_AI_API_KEY_FILE"
_WAYS = f"set {KEY_VARIABLE}, or name a file with --key-file or {KEY_FILE_VARIABLE}"
_BLOCK = 1000
"""Lines whose columns are aligned with each other: a long list must not wait for its end."""


@dataclass
class CommandContext:
    """The options of `musicai` itself."""

    as_json: bool = False
    key_file: Path | None = None
    base_url: str | None = None
    key_origin: str | None = field(default=None, init=False)
    """The origin of the key, in words; None before it was found."""

    def client(self) -> AbstractContextManager[MusicAiClient]:
        """A client with the key from a file, the environment, `musicai login` or a prompt."""
        from musicai_sdk import MusicAiClient

        return MusicAiClient(self.find_key(), base_url=self.base_url)

    def connection(self) -> Callable[[], AsyncMusicAiClient]:
        """A factory of asynchronous clients. The key is read now: a prompt must come before the progress display."""
        from musicai_sdk import AsyncMusicAiClient

        key = self.find_key()
        return lambda: AsyncMusicAiClient(key, base_url=self.base_url)

    def export_to_children(self) -> None:
        """Sets the environment variables from which child processes read the key and the address.

        Raises:
            ConfigurationError: the key or the address is invalid. Children would read an empty address as the default.
        """
        from musicai_sdk import MusicAiClient

        key = self.find_key()
        MusicAiClient(key, base_url=self.base_url).close()
        if key is not None:
            os.environ[KEY_VARIABLE] = key.strip()
        if self.base_url is not None:
            os.environ["MUSIC_AI_BASE_URL"] = self.base_url

    def address(self) -> str:
        """The base URL, from the option, the environment or the default.

        Raises:
            ConfigurationError: it isn't a base URL.
        """
        from musicai_sdk import MusicAiClient

        with MusicAiClient("unused", base_url=self.base_url) as client:  # which needs some key
            return client.base_url

    def find_key(self, *, ask: bool = True) -> str | None:
        """Returns the key from a file or a prompt, or None if the client finds it: in the environment, or stored.

        Args:
            ask: Whether to ask a user at a terminal if there is no key.

        Raises:
            ConfigurationError: there is no key.
            UsageError: the file can't be read.
        """
        from musicai_sdk._credentials import source, stored_key
        from musicai_sdk.errors import ConfigurationError

        file = self.key_file or os.environ.get(KEY_FILE_VARIABLE)
        if file:
            return self.read_key_file(file)
        if os.environ.get(KEY_VARIABLE, "").strip():
            self.key_origin = f"the environment variable {KEY_VARIABLE}"
            return None
        address = self.address()
        if stored_key(address) is not None:
            self.key_origin = source()
            return None
        if ask and is_interactive():
            return self.ask_for_key()
        raise ConfigurationError(
            f"no API key for {address}: run `musicai login`, {_WAYS} (create keys in the Music.AI dashboard)"
        )

    def read_key_file(self, file: str | os.PathLike[str]) -> str:
        """Returns the key in a file."""
        from musicai_sdk.errors import ConfigurationError

        self.key_origin = f"the key file {str(file)!r}"
        try:
            key = Path(file).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise click.UsageError(f"{self.key_origin} isn't text, so it contains no key") from None
        except OSError as error:
            raise click.UsageError(f"{self.key_origin} can't be read: {error.strerror}") from None
        if not key.strip():
            raise ConfigurationError(f"{self.key_origin} is empty: put an API key into it, or {_WAYS}")
        return key

    def ask_for_key(self) -> str:
        """Returns the key that the user types at a prompt, which doesn't show it."""
        self.key_origin = "the prompt"
        return str(click.prompt("API key", hide_input=True, err=True))

    def show(self, value: Mapping[str, Any], *lines: str) -> None:
        """Writes one result: as JSON, or as lines for people and pipes. Line breaks inside a line are escaped."""
        if self.as_json:
            lines = (json_text(dict(value), sys.stdout),)
        click.echo("\n".join(visible(line, keep="") for line in lines))

    def show_all(self, rows: Iterable[tuple[Mapping[str, Any], Sequence[str]]]) -> None:
        """Writes a list: each result as JSON as soon as it is known, or aligned columns."""
        pending = iter(rows)
        while block := list(islice(pending, 1 if self.as_json else _BLOCK)):
            # Before the widths are known, so that they are those of the escaped text.
            cells = [[visible(cell, keep="") for cell in row] for _, row in block]
            widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
            for (value, _), row in zip(block, cells, strict=True):
                line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                self.show(value, line.rstrip())

    def show_files(self, files: JobFiles) -> None:
        """Writes the paths of a job's results."""
        for output, path in files.items():
            self.show({"output": output, "path": str(path)}, str(path))
        self.show({"manifest": str(files.manifest)}, str(files.manifest))

    def report_error(self, error: BaseException) -> int:
        """Writes an error as a message and returns the exit code; raises errors that the command doesn't know."""
        return report_error(error, self.key_origin, as_json=self.as_json)


def is_interactive() -> bool:
    """Whether a user at a terminal can answer questions. A program without standard input has None instead of it."""
    stdin = cast("TextIO | None", sys.stdin)
    return stdin is not None and not stdin.closed and stdin.isatty()


def note(text: str) -> None:
    """Writes a line about the progress of a command to standard error."""
    click.echo(visible(text), err=True)


def confirm(question: str) -> None:
    """Asks a yes-or-no question.

    Raises:
        Abort: the answer is no, or Ctrl-C.
        UsageError: standard input is at its end.
    """
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - a program without standard input
        raise click.UsageError("no standard input to answer on: --yes skips the question")
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort as refusal:
        if isinstance(refusal.__context__, EOFError):
            note("")
            raise click.UsageError("no answer on standard input: --yes skips the question") from None
        raise


def command(function: Callable[Concatenate[CommandContext, P], T]) -> Callable[P, T]:
    """The innermost decorator of every command: passes the context, and turns errors into messages and exit codes."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        context = click.get_current_context()
        settings = context.ensure_object(CommandContext)
        try:
            return function(settings, *args, **kwargs)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except click.Abort as refusal:
            # click raises Abort for Ctrl-C at a prompt, and for a "no" as well.
            if isinstance(refusal.__context__, KeyboardInterrupt):
                note("\nmusicai: interrupted")
                context.exit(INTERRUPTED)
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - unknown ones are raised again
            context.exit(settings.report_error(error))

    return wrapper
