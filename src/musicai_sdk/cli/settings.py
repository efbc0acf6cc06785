"""What all commands share: where the key comes from, how results are written, and what the exit code says."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from musicai_sdk import AsyncMusicAiClient, MusicAiClient
    from musicai_sdk.errors import MusicAiError

P = ParamSpec("P")
T = TypeVar("T")

KEY_FILE_VARIABLE = "MUSIC_AI_API_KEY_FILE"


@dataclass
class Settings:
    """The options of the `musicai` group."""

    as_json: bool
    key_file: Path | None
    base_url: str | None

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
        """Puts the key and the address where processes that we start look for them."""
        if (key := self._key()) is not None:
            os.environ["MUSIC_AI_API_KEY"] = key.strip()
        if self.base_url is not None:
            os.environ["MUSIC_AI_BASE_URL"] = self.base_url

    def _key(self) -> str | None:
        if self.key_file is not None:
            return self.key_file.read_text(encoding="utf-8")
        if not os.environ.get("MUSIC_AI_API_KEY") and sys.stdin.isatty():
            return str(click.prompt("API key", hide_input=True, err=True))
        return None

    def show(self, value: Mapping[str, Any], line: str) -> None:
        """Writes one result: as JSON, or as a line for people and pipes."""
        click.echo(json.dumps(dict(value), ensure_ascii=False) if self.as_json else line)

    def show_all(self, values: Iterable[tuple[Mapping[str, Any], str]]) -> None:
        """Writes many results, each as soon as it is there."""
        for value, line in values:
            self.show(value, line)


def note(text: str) -> None:
    """Tells what is going on, on standard error."""
    click.echo(text, err=True)


def command(function: Callable[P, T]) -> Callable[P, T]:
    """Around every command: the package's errors become a message and an exit code, without a traceback."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        from musicai_sdk.errors import MusicAiError

        try:
            return function(*args, **kwargs)
        except MusicAiError as error:
            context = click.get_current_context()
            if isinstance(context.obj, Settings) and context.obj.as_json:
                click.echo(json.dumps({"error": type(error).__name__, "message": str(error)}), err=True)
            else:
                note(f"musicai: {error}")
            context.exit(exit_code(error))
        except KeyboardInterrupt:
            note("musicai: interrupted")
            click.get_current_context().exit(130)

    return wrapper


def exit_code(error: MusicAiError) -> int:
    """What the exit code says of an error; the package's docstring has the table."""
    from musicai_sdk import errors
    from musicai_sdk.batch import LedgerError, ShardsFailedError

    codes: list[tuple[type[MusicAiError] | tuple[type[MusicAiError], ...], int]] = [
        ((errors.ConfigurationError, errors.AuthenticationError, errors.PermissionDeniedError), 3),
        ((errors.InputError, LedgerError), 2),
        (errors.NotFoundError, 4),
        (
            (
                errors.ConnectionFailedError,
                errors.RateLimitError,
                errors.ServerError,
                errors.WaitTimeoutError,
                ShardsFailedError,
            ),
            5,
        ),
    ]
    return next((code for kinds, code in codes if isinstance(error, kinds)), 1)


def parameters(pairs: Iterable[str]) -> dict[str, Any]:
    """`name=value` options; a value that is JSON is that value, everything else is text."""
    values = dict[str, Any]()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} isn't name=value")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def input_value(text: str) -> str | Path:
    """An input on the command line: a URL as it is, everything else a local file."""
    return text if text.startswith(("https://", "http://")) else Path(text)
