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

from musicai_sdk.sandbox.engine.failure import JobDropped, WorkflowFailure, bad_input
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
"""The first bytes of files, and their extensions. The URL of an upload has no extension, but results made from it need
one."""

_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")
_UNSAFE = re.compile(r"[^\w .()+-]")
_LONGEST_NAME = 100

_logger = logging.getLogger(__name__)
_quiet: Final = ContextVar("musicai_sdk.sandbox.api.transfers.quiet", default=False)

_NOT_REACHED = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
"""The errors of a request. DNS refuses hosts with empty or long labels by a UnicodeError."""


class Fetcher:
    """Fetches inputs and delivers results.

    Args:
        origin: The sandbox's origin. URLs of this origin, and others on this machine, bypass proxies.
        trust: The trusted certificates: those of the usual authorities and of the sandbox's own authority.
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
            _logger.warning("the environment's proxies are invalid, and jobs ignore them: %s", error)
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
            folder: The folder for the file.
            dropped: Returns whether the job is no longer needed.

        Returns:
            The file. Its name is the one in messages, see `input_name`, with the extension of that name or of the
            contents.

        Raises:
            WorkflowFailure: BAD_INPUT: no such parameter, not a web URL, or no file there.
            JobDropped: the job was deleted, or the sandbox is stopping.
        """
        url = job.params.get(parameter)
        if url is None:
            raise bad_input(f"{parameter!r}: The parameter is missing. It is the URL of a file.")
        if not isinstance(url, str) or not _is_web_url(url):
            raise bad_input(f"{parameter!r}: The parameter is not an http or https URL.")
        own = url.startswith(f"{self._origin}/")
        uploaded = own and not is_result(urlsplit(url).path[1:])
        name = input_name(job, parameter, url, uploaded=uploaded)
        number = sum(1 for _ in folder.glob("input-*"))
        # Each file gets its own folder, so that it can keep its name.
        file = folder / f"input-{number}" / name
        private_folder(file.parent)
        # Retry, because faults such as refused connections are meant for clients: the service has its own way to its
        # storage.
        for tries_left in reversed(range(_TRIES if own else 1)):
            try:
                self._receive(url, file, dropped)
                break
            except _NOT_REACHED as error:
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
            WorkflowFailure: BAD_INPUT, if the storage refuses it.
        """
        refused = WorkflowFailure(
            "BAD_INPUT",
            "Invalid input",
            f"{output!r}: The output could not be written to its URL in copyResultsTo.",
        )
        if not _is_web_url(url):
            raise refused
        headers = {"Content-Type": content_type(file.name), "Content-Length": str(file.stat().st_size)}
        try:
            with _no_urls_in_logs(), file.open("rb") as source:
                body = iter(lambda: source.read(CHUNK), b"")
                response = self._client.put(url, content=body, headers=headers, follow_redirects=False)
        except _NOT_REACHED as error:
            raise refused from error
        if not response.is_success:
            raise refused


def usual_trust() -> ssl.SSLContext:
    """Returns the certificates that the environment names, or the usual ones if its variables are wrong."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        _logger.warning("SSL_CERT_FILE or SSL_CERT_DIR is invalid, and jobs ignore both: %s", error)
        return httpx.create_ssl_context(trust_env=False)


def input_name(job: JobRecord, parameter: str, url: str, *, uploaded: bool) -> str:
    """Returns the name of an input for messages, which the creator of the job must recognise.

    The name is the last part of the URL. The URL of an upload contains no name. Then it is the job's name, because
    clients name jobs after files, or else the parameter's name.

    Args:
        job: The job.
        parameter: The name of the parameter that holds the URL.
        url: The URL.
        uploaded: Whether the URL is that of an upload.
    """
    own = "" if uploaded else PurePosixPath(unquote(urlsplit(url).path)).name
    of_job = "" if job.name == job.workflow.rpartition("/")[2] else job.name
    names = (_UNSAFE.sub("_", name)[:_LONGEST_NAME].strip(" .") for name in (own, of_job, parameter))
    return next(filter(None, names), "input")


def _missing_suffix(file: Path, *, uploaded: bool) -> str:
    """Returns the extension of a file's contents, or nothing if its name has an extension already.

    The name of an upload comes from its job, so another extension in it proves nothing.
    """
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
    """Keeps httpx from logging whole URLs: signed URLs are secrets."""
    logging.getLogger(httpx.__name__).addFilter(_unless_quiet)  # Adding a filter again has no effect.
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _unless_quiet(_record: logging.LogRecord) -> bool:
    return not _quiet.get()
