"""The sandbox as a client: fetches the inputs of jobs, and delivers results to custom storage."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import httpx

from musicai_sdk.sandbox.private_files import open_private, private_folder
from musicai_sdk.sandbox.storage.keys import is_result
from musicai_sdk.sandbox.storage.objects import CHUNK, content_type

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator

    from musicai_sdk.sandbox.database.records import JobRecord

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_TRIES = 3
_RECONNECTS = 4  # At once, and after 0.5, 1 and 2 seconds.
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_MAGIC = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), ".wav"),
    (re.compile(rb"fLaC"), ".flac"),
    (re.compile(rb"OggS"), ".ogg"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), ".aac"),
    (re.compile(rb"ID3|\xff[\xe2-\xff]"), ".mp3"),
    (re.compile(rb"....ftyp", re.DOTALL), ".m4a"),
    (re.compile(rb"FORM....AIF[FC]", re.DOTALL), ".aiff"),
    (re.compile(rb"\s*[\[{]"), ".json"),
)
"""How files begin: an upload's URL has no extension, and a result made of it should have one."""

_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")
_UNSAFE = re.compile(r"[^\w .()+-]")
_LONGEST_NAME = 100

_logger = logging.getLogger(__name__)
_quiet: Final = ContextVar("musicai_sdk.sandbox.api.transfers.quiet", default=False)


class JobDropped(Exception):  # noqa: N818 - it ends the work on a job, and isn't an error
    """The job was deleted or the sandbox is being stopped: nobody waits for the outcome."""


class Fetcher:
    """Does the HTTP of jobs.

    Args:
        origin: The sandbox's own origin; its URLs, as others on this machine, go past any proxy.
        trust: What certificates are checked with: the usual authorities and the sandbox's own.
    """

    def __init__(self, origin: str, trust: ssl.SSLContext) -> None:
        direct = httpx.HTTPTransport(verify=trust)
        own = httpx.HTTPTransport(verify=trust, retries=_RECONNECTS)
        options: dict[str, Any] = {
            "timeout": _TIMEOUT,
            "verify": trust,
            "follow_redirects": True,
            "mounts": {**dict.fromkeys(_LOOPBACK, direct), origin: own},
        }
        try:
            self._client = httpx.Client(**options)
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            _logger.warning("the environment's proxies can't be used, so jobs do without: %s", error)
            self._client = httpx.Client(**options, trust_env=False)
        self._origin = origin

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def fetch(self, job: JobRecord, parameter: str, folder: Path, dropped: Callable[[], bool]) -> Path:
        """Downloads the URL in a job's parameter, in constant memory.

        Args:
            job: The job.
            parameter: The name of the parameter that holds the URL.
            folder: Where the file is written.
            dropped: Whether the job is no longer wanted.

        Returns:
            The file. Its name is what messages call it, see `input_name`; its extension is that of the name, or the
            one of its contents.

        Raises:
            WorkflowFailure: BAD_INPUT: no such parameter, not a web URL, or no file there.
            JobDropped: The job was deleted, or the sandbox is stopping.
        """
        from musicai_sdk.sandbox.engine.task import bad_input  # Its package imports numpy.

        url = job.params.get(parameter)
        if url is None:
            raise bad_input(f"{parameter!r}: The parameter is missing. It is the URL of a file.")
        if not isinstance(url, str) or not _is_web_url(url):
            raise bad_input(f"{parameter!r}: The parameter is not an http or https URL.")
        own = url.startswith(f"{self._origin}/")
        uploaded = own and not is_result(urlsplit(url).path[1:])
        name = input_name(job, parameter, url, uploaded=uploaded)
        number = sum(1 for _ in folder.glob("input-*"))
        file = folder / f"input-{number}" / name  # A folder of its own, so that it can keep its name.
        private_folder(file.parent)
        # Clients have to cope with refused and reset connections; the service has a better way to its own storage.
        for tries_left in reversed(range(_TRIES if own else 1)):
            try:
                self._receive(url, file, dropped)
                break
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                unanswered = isinstance(error, httpx.TransportError) and not file.exists()
                if not tries_left or not (unanswered or isinstance(error, httpx.NetworkError)):
                    raise bad_input(f"{name!r}: File not found.") from error
        suffix = _missing_suffix(file, uploaded=uploaded)
        return file.rename(file.with_name(file.name + suffix)) if suffix else file

    def _receive(self, url: str, file: Path, dropped: Callable[[], bool]) -> None:
        with _no_urls_in_logs(), self._client.stream("GET", url) as response, open_private(file) as target:
            if response.status_code != HTTPStatus.OK:
                raise httpx.HTTPStatusError("not a file", request=response.request, response=response)
            for chunk in response.iter_bytes(CHUNK):
                target.write(chunk)
                if dropped():
                    raise JobDropped

    def deliver(self, file: Path, output: str, url: str) -> None:
        """PUTs a result file to the caller's own storage, in constant memory.

        Raises:
            WorkflowFailure: BAD_INPUT, if the storage doesn't take it.
        """
        from musicai_sdk.sandbox.engine.task import WorkflowFailure  # As above.

        refused = WorkflowFailure(
            "BAD_INPUT", "Invalid input", f"Output '{output}' could not be written to its URL."
        )
        if not _is_web_url(url):
            raise refused
        headers = {"Content-Type": content_type(file.name), "Content-Length": str(file.stat().st_size)}
        try:
            with _no_urls_in_logs(), file.open("rb") as source:
                body = iter(lambda: source.read(CHUNK), b"")
                response = self._client.put(url, content=body, headers=headers, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise refused from error
        if not response.is_success:
            raise refused


def usual_trust() -> ssl.SSLContext:
    """What certificates of others are checked with; a sandbox runs without what the environment names wrongly."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        _logger.warning("SSL_CERT_FILE or SSL_CERT_DIR can't be used, so jobs do without: %s", error)
        return httpx.create_ssl_context(trust_env=False)


def input_name(job: JobRecord, parameter: str, url: str, *, uploaded: bool) -> str:
    """Returns what an input is called in messages, in the words of whoever created the job.

    The last part of the URL; for an upload, whose URL has no name, the name of the job, which clients call after the
    file; the name of the parameter where that says nothing either.

    Args:
        job: The job.
        parameter: The name of the parameter that holds the URL.
        url: The URL.
        uploaded: Whether it is an upload's.
    """
    own = "" if uploaded else PurePosixPath(unquote(urlsplit(url).path)).name
    of_job = "" if job.name == job.workflow.rpartition("/")[2] else job.name
    names = (_UNSAFE.sub("_", name)[:_LONGEST_NAME].strip(" .") for name in (own, of_job, parameter))
    return next(filter(None, names), "input")


def _missing_suffix(file: Path, *, uploaded: bool) -> str:
    """Returns the extension that a file should have by its contents, and lacks; that of a job's name means nothing."""
    with file.open("rb") as source:
        start = source.read(12)
    suffix = next((suffix for magic, suffix in _MAGIC if magic.match(start)), "")
    named = file.suffix.lower() == suffix or (not uploaded and _SUFFIX.fullmatch(file.suffix))
    return "" if named else suffix


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.netloc)


@contextmanager
def _no_urls_in_logs() -> Generator[None]:
    """Keeps httpx from logging whole URLs: the caller's are signed, which makes them secrets."""
    logging.getLogger("httpx").addFilter(_unless_quiet)  # Adding it twice adds it once.
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _unless_quiet(_record: logging.LogRecord) -> bool:
    return not _quiet.get()
