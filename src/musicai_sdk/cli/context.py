"""What all commands share: where the key comes from, how results are written, and how a command ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from musicai_sdk._platform import json_text
from musicai_sdk.cli.errors import INTERRUPTED, tell

if TYPE_CHECKING:
    from musicai_sdk import AsyncMusicAiClient, MusicAiClient
    from musicai_sdk.models import JobFiles

P = ParamSpec("P")
T = TypeVar("T")

KEY_VARIABLE = "MUSIC_AI_API_KEY"
KEY_FILE_VARIABLE = "MUSIC_AI_API_KEY_FILE"


@dataclass
class CommandContext:
    """The options of the `musicai` group."""

    as_json: bool
    key_file: Path | None
    base_url: str | None
    key_origin: str | None = field(default=None, init=False)
    """Where the key came from, in words; None when the client reads the environment itself."""

    def client(self) -> AbstractContextManager[MusicAiClient]:
        """A client with the key from the environment, a file or a prompt."""
        from musicai_sdk import MusicAiClient

        return MusicAiClient(self._key(), base_url=self.base_url)

    def connection(self) -> Callable[[], AsyncMusicAiClient]:
        """Makes asynchronous clients with that key; it is asked for now, before anything is drawn."""
        from musicai_sdk import AsyncMusicAiClient

        key = self._key()
        return lambda: AsyncMusicAiClient(key, base_url=self.base_url)

    def give_to_children(self) -> None:
        """Puts the key and the address where processes that we start look for them.

        Raises:
            ConfigurationError: no client can be made of them. Among a child's variables an empty address is none.
        """
        from musicai_sdk import MusicAiClient

        key = self._key()
        MusicAiClient(key, base_url=self.base_url).close()
        if key is not None:
            os.environ[KEY_VARIABLE] = key.strip()
        if self.base_url is not None:
            os.environ["MUSIC_AI_BASE_URL"] = self.base_url

    def _key(self) -> str | None:
        from musicai_sdk.errors import ConfigurationError

        ways = f"set {KEY_VARIABLE}, or name a file with --key-file or {KEY_FILE_VARIABLE}"
        if self.key_file is not None:
            self.key_origin = f"the key file {str(self.key_file)!r}"
            try:
                key = self.key_file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                raise click.UsageError(f"{self.key_origin} isn't text, so there is no key in it") from None
            if not key.strip():
                raise ConfigurationError(f"{self.key_origin} is empty: put an API key into it, or {ways}")
            return key
        if os.environ.get(KEY_VARIABLE, "").strip():
            return None
        if not sys.stdin.isatty():
            raise ConfigurationError(f"no API key: {ways} (keys are made in the Music.AI dashboard)")
        self.key_origin = "the key that was typed in"
        return str(click.prompt("API key", hide_input=True, err=True))

    def show(self, value: Mapping[str, Any], line: str) -> None:
        """Writes one result: as JSON, or as a line for people and pipes."""
        click.echo(visible(json_text(dict(value), sys.stdout) if self.as_json else line))

    def show_all(self, values: Iterable[tuple[Mapping[str, Any], str]]) -> None:
        """Writes many results, each as soon as it is there."""
        for value, line in values:
            self.show(value, line)

    def show_files(self, files: JobFiles) -> None:
        """Writes where the results of a job are."""
        for output, path in files.items():
            self.show({"output": output, "path": str(path)}, str(path))
        self.show({"manifest": str(files.manifest)}, str(files.manifest))

    def tell(self, error: BaseException) -> int:
        """Writes an error as a message; returns the exit code, or raises what is no error of use."""
        return tell(error, self.key_origin, as_json=self.as_json)


def note(text: str) -> None:
    """Tells what is going on, on standard error."""
    click.echo(visible(text), err=True)


def visible(text: str) -> str:
    """Output that can't take over a terminal: control characters, as in a job's name, are escaped as in JSON.

    So JSON says the same as before.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def ask(question: str) -> None:
    """Asks a yes-or-no question.

    Raises:
        Abort: the answer is no, or Ctrl-C.
        UsageError: there is nobody to ask.
    """
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort as refusal:
        if isinstance(refusal.__context__, EOFError):
            note("")
            raise click.UsageError("nobody is here to answer: --yes goes on without a question") from None
        raise


def command(function: Callable[P, T]) -> Callable[P, T]:
    """Around every command: errors become a message and an exit code, without a traceback."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        context = click.get_current_context()
        try:
            return function(*args, **kwargs)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except click.Abort as refusal:
            # click makes one of Ctrl-C at a prompt, and of a "no" too.
            if isinstance(refusal.__context__, KeyboardInterrupt):
                note("\nmusicai: interrupted")
                context.exit(INTERRUPTED)
            raise
        except (Exception, KeyboardInterrupt) as error:
            settings = context.find_object(CommandContext)
            if settings is None:  # a command of somebody else's group
                raise
            context.exit(settings.tell(error))

    return wrapper
