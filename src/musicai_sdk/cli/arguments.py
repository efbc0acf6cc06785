"""Arguments and options of the commands, checked before any request: workflows, parameters, paths, seconds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import click
from typing_extensions import override

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from musicai_sdk.batch import Price

F = TypeVar("F", bound=Callable[..., Any])
V = TypeVar("V", bound="str | tuple[str, ...] | None")
ShellComplete: TypeAlias = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_MANIFESTS = (".csv", ".jsonl", ".ndjson")


class Seconds(click.FloatRange):
    """A number of seconds. A plain range accepts "nan", which is neither below nor above any limit."""

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, if it is in the range."""
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail("it must be a number of seconds", param, ctx)
        return seconds


def parse_amount(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Decimal | None:
    """The value of an option that takes a number of 0 or more, with all of its digits."""
    try:
        amount = Decimal(value) if value is not None else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and (not amount.is_finite() or amount < 0):
        raise click.BadParameter(f"{value!r} is not a number of 0 or more")
    return amount


def parse_price(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Price | None:
    """The value of an option that takes a price, such as `0.05/min`."""
    from musicai_sdk.batch import Price
    from musicai_sdk.errors import InputError

    try:
        return Price.parse(value) if value is not None else None
    except InputError as error:
        raise click.BadParameter(str(error)) from None


DEFAULT_TIMEOUT = 3600.0
"""Seconds to wait for a job."""
TIMEOUT = Seconds(min=0, min_open=True)


def client_timeout(seconds: float) -> float | None:
    """A timeout in the form of the client, for which None means no limit: `inf` on the command line."""
    return None if math.isinf(seconds) else seconds


def not_blank(instead: str) -> Callable[[click.Context, click.Parameter, V], V]:
    """A callback of options and arguments that rejects empty text, such as that of an unset variable of a shell."""

    def check(_context: click.Context, _parameter: click.Parameter, value: V) -> V:
        values = (value,) if isinstance(value, str) else cast("tuple[str, ...]", value or ())
        if not all(each.strip() for each in values):
            raise click.BadParameter(f"it is empty: {instead}")
        return value

    return check


def workflow_argument(function: F) -> F:
    """The argument WORKFLOW: a slug."""
    check = not_blank("`musicai workflow list` prints the account's workflows")
    return click.argument("workflow", callback=check)(function)


def _complete(kind: str) -> ShellComplete:
    """Lets the shell complete paths, as `click.Path` does, for arguments that may also be URLs."""

    def complete(
        _context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem  # only the shell needs it

        return [CompletionItem(incomplete, type=kind)]

    return complete


complete_file: ShellComplete = _complete("file")
complete_folder: ShellComplete = _complete("dir")


def parameter_options(takes: str) -> Callable[[F], F]:
    """The options for the workflow's parameters; `takes` describes the value of the one that `--input-name` names."""

    def options(function: F) -> F:
        function = click.option(
            "--input-name",
            default="inputUrl",
            callback=not_blank("name the parameter, such as inputUrl"),
            show_default=True,
            help=f"The parameter that takes {takes}.",
        )(function)
        return click.option(
            "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; JSON or text."
        )(function)

    return options


def parse_pairs(pairs: Iterable[str], *, reserved: str | None = None) -> dict[str, Any]:
    """The values of repeated `NAME=VALUE` options. A value that is valid JSON is parsed; any other is text.

    Args:
        pairs: The options.
        reserved: The name of the parameter that the input file goes to.

    Raises:
        BadParameter: an option isn't `NAME=VALUE`, or repeats a name.
    """
    values = dict[str, Any]()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{pair!r} isn't name=value")
        if name in values:
            raise click.BadParameter(f"{name!r} is given twice")
        if name == reserved:
            raise click.BadParameter(
                f"{name!r} is the parameter that FILE goes to; --input-name chooses another"
            )
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def parse_input(text: str) -> str | Path:
    """An input file: a URL as text, or the path of a local file.

    Raises:
        UsageError: the service can't read such a URL.
    """
    from musicai_sdk.errors import InputError
    from musicai_sdk.workflows.inputs import web_address

    if not text.strip():
        raise click.UsageError("FILE is empty: pass a file or an https:// URL")
    if is_web(text):
        try:
            return web_address(text) or text
        except InputError as error:
            raise click.UsageError(str(error)) from None
    if is_remote(text):
        raise click.UsageError(
            f"can't read {text!r} here: pass a file or an https:// URL; `musicai process folder` reads buckets"
        )
    return Path(text)


def is_remote(text: str) -> bool:
    """Whether the text has the form of a URL."""
    return _REMOTE.match(text.lstrip()) is not None


def is_web(text: str) -> bool:
    """Whether the text has the form of an `https://` or `http://` URL."""
    from musicai_sdk.workflows.inputs import WEB_SCHEMES

    return is_remote(text) and text.strip().partition("://")[0].lower() in WEB_SCHEMES


def in_bucket(text: str) -> bool:
    """Whether the text is the URL of a bucket, or of something in it."""
    from musicai_sdk.storage.objects import SCHEMES

    return text.startswith(SCHEMES)


def local_output_folder(text: str) -> Path:
    """OUT of a command that writes only to this machine, after a check that it is writable.

    Raises:
        UsageError: it is a URL.
        OSError: it isn't writable.
    """
    if not text.strip():
        raise click.UsageError("OUT is empty: pass a folder, such as . for this one")
    if is_remote(text):
        raise click.UsageError(
            f"can't write to {text!r}: pass a local folder; `musicai process folder` writes to buckets"
        )
    check_writable(Path(text))
    return Path(text)


@contextmanager
def existing(folder: Path) -> Generator[None]:
    """Creates a folder for the block. Removes it afterwards, with the folders created for it, if it is empty.

    Raises:
        OSError: the folder can't be created.
    """
    made = list[Path]()
    try:
        with _explaining(folder):
            for each in reversed([folder, *folder.parents]):
                if not each.is_dir():
                    each.mkdir(exist_ok=True)  # another command may have just done it
                    made.append(each)
        yield
    finally:
        for each in reversed(made):
            with suppress(OSError):  # it isn't empty
                each.rmdir()


def check_writable(folder: Path) -> None:
    """Checks that a folder is writable, so that no job is paid for whose results can't be stored.

    Raises:
        OSError: the folder isn't writable.
    """
    import tempfile  # slow to import

    with existing(folder), _explaining(folder), tempfile.NamedTemporaryFile(dir=folder, prefix=".musicai-"):
        pass


@contextmanager
def _explaining(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        blocked = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "a file is in the way" if blocked else error.strerror
        raise OSError(error.errno, f"results can't be written there: {reason}", str(folder)) from None


def check_media(text: str, *, manifests: bool) -> None:
    """Checks by its extension that a single input is audio or video: any other file would cost a job that fails.

    Args:
        text: A file, or an object in a bucket.
        manifests: Whether the command reads manifests.

    Raises:
        UsageError: it is not.
    """
    from musicai_sdk.batch.inputs.folder import MEDIA

    extension = PurePosixPath(text.replace("\\", "/")).suffix.lower()
    if extension in MEDIA or (manifests and extension in _MANIFESTS):
        return
    hint = "a manifest ends in .csv, .jsonl or .ndjson; " if manifests else ""
    if not manifests and extension in _MANIFESTS:
        hint = "`musicai process folder` reads manifests; "
    raise click.UsageError(
        f"{text!r} doesn't have the extension of an audio or video file: {hint}--force sends it anyway, as a paid job"
    )
