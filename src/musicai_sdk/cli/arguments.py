"""What stands on the command line, checked before anything is sent: parameters, places, slugs, seconds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])

_WEB = ("https://", "http://")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_MANIFESTS = (".csv", ".jsonl", ".ndjson")


MORE_THAN_NOTHING = click.FloatRange(min=0, min_open=True)
NOTHING_OR_MORE = click.FloatRange(min=0)


def a_time(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Seconds. A range lets "nan" pass, which is neither less nor more than anything."""
    if math.isnan(value):
        raise click.BadParameter("it must be a number of seconds")
    return value


def limit(seconds: float) -> float | None:
    """A timeout as the client takes it: `inf` waits without end."""
    return None if math.isinf(seconds) else seconds


def _slug(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("it is empty: `musicai workflow list` shows the account's workflows")
    return value


def workflow_argument(function: F) -> F:
    """The argument WORKFLOW: a slug."""
    return click.argument("workflow", callback=_slug)(function)


def paths(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Has the shell complete a place by its own files, as `click.Path` does, which would not take addresses."""
    return _by_the_shell(incomplete, "file")


def folders(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The same where only a folder will do."""
    return _by_the_shell(incomplete, "dir")


def _by_the_shell(incomplete: str, kind: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem  # only the shell needs it

    return [CompletionItem(incomplete, type=kind)]


def _parameter_name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("it is empty: name the parameter, such as inputUrl")
    return value


def parameter_options(takes: str) -> Callable[[F], F]:
    """The options for the workflow's parameters; `takes` says what goes into the one of `--input-name`."""

    def options(function: F) -> F:
        text = f"The parameter that takes {takes}."
        function = click.option(
            "--input-name", default="inputUrl", callback=_parameter_name, show_default=True, help=text
        )(function)
        text = "A parameter; JSON or text."
        return click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help=text)(function)

    return options


def parameters(pairs: Iterable[str], *, taken: str | None = None) -> dict[str, Any]:
    """`name=value` options; a value that is JSON is that value, everything else is text.

    Args:
        pairs: The options.
        taken: The parameter that the file goes to.

    Raises:
        BadParameter: one isn't `name=value`, or a name has two values.
    """
    values = dict[str, Any]()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{pair!r} isn't name=value")
        if name in values:
            raise click.BadParameter(f"{name!r} is given twice")
        if name == taken:
            raise click.BadParameter(
                f"{name!r} is the parameter that FILE goes to; --input-name names another"
            )
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def input_value(text: str) -> str | Path:
    """An input on the command line: a URL as it is, everything else a local file.

    Raises:
        UsageError: it is an address that only `process folder` can read, or nobody.
    """
    from musicai_sdk.errors import InputError
    from musicai_sdk.workflows.inputs import web_address

    if text.strip().lower().startswith(_WEB):
        try:
            return web_address(text) or text
        except InputError as error:
            raise click.UsageError(str(error)) from None
    if is_remote(text):
        raise click.UsageError(
            f"can't read {text!r} here: give a file or an https:// URL; `musicai process folder` takes buckets"
        )
    return Path(text)


def is_remote(text: str) -> bool:
    """Whether it says itself that it is no local path."""
    return _REMOTE.match(text.lstrip()) is not None


def output_folder(text: str) -> Path:
    """OUT of a command that writes to this machine only.

    Raises:
        UsageError: it is an address.
        OSError: nothing can be written there.
    """
    if is_remote(text):
        raise click.UsageError(
            f"can't write to {text!r}: give a folder; `musicai process folder` writes to buckets"
        )
    check_writable(Path(text))
    return Path(text)


def check_writable(folder: Path) -> None:
    """Writes a file there and takes it away again: what is paid for must find its place. Leaves nothing behind.

    Raises:
        OSError: that can't be done.
    """
    import tempfile  # only here: it brings much with it

    made = list[Path]()
    try:
        for each in reversed([folder, *folder.parents]):
            if not each.is_dir():
                each.mkdir()
                made.append(each)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".musicai-"):
            pass
    except OSError as error:
        in_the_way = isinstance(error, FileExistsError | NotADirectoryError)
        why = "a file is in the way" if in_the_way else error.strerror
        raise OSError(error.errno, f"results can't be written there: {why}", str(folder)) from None
    finally:
        for each in reversed(made):
            with suppress(OSError):  # somebody else has put something into it
                each.rmdir()


def check_media(text: str, *, manifests: bool) -> None:
    """A single file that is no audio or video by its name would be uploaded and paid for, and fail.

    Args:
        text: The file, or an object in a bucket.
        manifests: Whether manifests are taken here.

    Raises:
        UsageError: it is none.
    """
    from musicai_sdk.batch.inputs.folder import MEDIA

    ending = PurePosixPath(text.replace("\\", "/")).suffix.lower()
    if ending in MEDIA or (manifests and ending in _MANIFESTS):
        return
    takes = "a manifest ends in .csv, .jsonl or .ndjson; " if manifests else ""
    if not manifests and ending in _MANIFESTS:
        takes = "`musicai process folder` takes manifests; "
    raise click.UsageError(
        f"{text!r} is no audio or video file by its name: {takes}--force sends it as it is, and pays for it"
    )
