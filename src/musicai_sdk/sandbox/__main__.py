"""`python -m musicai_sdk.sandbox`: serves the sandbox until Ctrl-C."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from typing_extensions import override

from musicai_sdk._platform import assignment, escape_unencodable

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import FrameType
    from typing import Literal, NoReturn

    from musicai_sdk.sandbox.sandbox import Sandbox


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m musicai_sdk.sandbox") -> int:
    """Runs the command line.

    Args:
        arguments: The arguments without the program's name; None for the process's own.
        prog: The program's name in the help.

    Returns:
        The exit code: 0 after Ctrl-C, SIGTERM or a closed terminal, 1 if the sandbox can't start.

    Raises:
        SystemExit: with 2 after an error message about the arguments; with 0 after `--help`.
    """
    escape_unencodable()
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    # Set before the sandbox starts: a signal during the start must end it cleanly too.
    ending = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP, and only Windows has SIGBREAK.
        # A process under nohup ignores SIGHUP, and must continue to ignore it.
        if number is not None and (name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN):
            signal.signal(number, end)
    try:
        from musicai_sdk.sandbox import Sandbox  # Fails without the extra.

        sandbox = _configured(Sandbox, options)
        with sandbox:
            variables = {"MUSIC_AI_API_KEY": sandbox.api_key, "MUSIC_AI_BASE_URL": sandbox.base_url}
            if sandbox.ca_file is not None:
                for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
                    variables[name] = sandbox.ca_file
            for name, value in variables.items():
                sys.stdout.write(f"{assignment(name, value, sys.stdout)}\n")
            sys.stdout.write("# The sandbox is running; Ctrl-C stops it.\n")
            sys.stdout.flush()
            # In steps: on some systems, a wait without a timeout can't be interrupted.
            while not ending.wait(1):
                pass
    except ValueError as error:
        parser.error(str(error))
    except (ImportError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None and options.data_dir is not None:
            parser.error(f"argument --data-dir: {error.filename}: {error.strerror}")
        reason = str(getattr(error, "strerror", None) or error)
        sys.stderr.write(f"The sandbox can't start: {_harmless(reason)}\n")
        return 1
    return 0


def _configured(kind: type[Sandbox], options: argparse.Namespace) -> Sandbox:
    """Returns the sandbox that the options describe, with its faults and quirks, not yet started.

    Raises:
        ValueError: an argument is invalid.
    """
    from musicai_sdk.sandbox.faults.options import parsed
    from musicai_sdk.sandbox.faults.quirks import quirks_from_text

    given = dict(vars(options))
    faults, quirks = given.pop("fault"), given.pop("quirk")
    with _naming("--quirk"):
        given["quirks"] = quirks_from_text(quirks)
    sandbox = kind(**given)
    with _naming("--fault"):
        for text in faults:
            route, fault = parsed(text)
            sandbox.faults.add(route, **fault)
    return sandbox


@contextmanager
def _naming(argument: str) -> Generator[None]:
    """Adds the name of an argument to the text of an error."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"argument {argument}: {error}") from None


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=prog,
        description="Serves the Music.AI API on this machine; prints the variables that point clients at it.",
    )
    parser.add_argument("--port", type=int, default=0, help="port to serve on (default: any that is free)")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: %(default)s)")
    parser.add_argument(
        "--tls", action="store_true", help="serve https, with a certificate authority of its own"
    )
    parser.add_argument(
        "--data-dir",
        metavar="FOLDER",
        help="folder that keeps jobs and files across restarts (default: a temporary one)",
    )
    parser.add_argument(
        "--plan",
        type=_plan,
        default="professional",
        help="jobs at once: a number, payg (2) or professional (10; default)",
    )
    parser.add_argument("--seed", type=int, help="seed for ids and the key: the same in every run")
    parser.add_argument(
        "--api-key", metavar="KEY", help="the key that clients must send (default: a random one)"
    )
    parser.add_argument(
        "--transition",
        default="when-done",
        metavar="WHEN",
        help="when jobs show their outcomes: when-done (default), immediate, after:SECONDS, polls:NUMBER",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="'METHOD PATH NAME=VALUE …'",
        help="make requests go wrong, such as 'POST /job status=503 nth=2' or '* * delay=0.2 probability=0.1';"
        " repeatable; musicai_sdk.sandbox.faults.options describes the names",
    )
    parser.add_argument(
        "--quirk",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="answer in an odd way, such as page_limit=50 or metadata=null; repeatable;"
        " help(musicai_sdk.sandbox.Quirks) describes all",
    )
    return parser


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        super().error(_harmless(message))


def _harmless(text: str) -> str:
    """Returns a text with its control characters escaped: a name must not move the cursor or set colours."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def _plan(text: str) -> int | Literal["payg", "professional"]:
    """Returns the number in `text`, or else the name, which `Sandbox` checks."""
    return int(text) if text.isascii() and text.isdigit() else cast("Literal['payg', 'professional']", text)


if __name__ == "__main__":
    sys.exit(main())
