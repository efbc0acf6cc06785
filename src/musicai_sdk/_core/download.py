"""Downloads to a partial file beside the target, resumes after a break, checks the data, and renames the file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from musicai_sdk._core.arguments import Progress
from musicai_sdk._core.content import Content, broke_off
from musicai_sdk._core.file_kinds import Expected, check_content, refuse_empty
from musicai_sdk._core.object_version import Version
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.ranges import ParallelStream, check_connections
from musicai_sdk._core.resume import Partial, not_written
from musicai_sdk._core.retry import retrying
from musicai_sdk._core.session import Session
from musicai_sdk._core.storage_errors import storage_error
from musicai_sdk._files import replaceable
from musicai_sdk._io import IO, Request, Response, ResponseStream
from musicai_sdk._io.codings import decoded
from musicai_sdk._names import encodable
from musicai_sdk._text import safe_repr, without_query
from musicai_sdk.errors import InputError, IntegrityError, TransferError
from musicai_sdk.models.files import DownloadedFile, UploadedFile
from musicai_sdk.models.job import Job
from musicai_sdk.models.outputs import is_file_url

ERROR_BODY = 4096
"""The most bytes read of an error answer."""


async def download(
    session: Session,
    url: str,
    destination: str | os.PathLike[str],
    on_progress: Progress | None,
    options: RequestOptions,
    *,
    output: bool = False,
    json_kinds: frozenset[type] | None = None,
    connections: int = 1,
) -> DownloadedFile:
    """Downloads a URL to a file. Creates missing folders, and replaces an existing file at the end.

    `output` is true for outputs of a job, which can't be web pages unless their names say so. `json_kinds` are the kinds
    of JSON values that the file must contain, if its output is declared as JSON. `connections` is the most connections to
    use for the file. `client.files.download` has the details.
    """
    try:
        checked_url(url)
    except InputError as error:
        if output:  # the service's URL, not an argument
            raise TransferError(str(error), url=without_query(url)) from None
        raise
    check_connections(connections)
    path = checked_path(destination)
    target, mode = _checked_target(path)

    async def work(io: IO) -> DownloadedFile:
        expected = Expected.of(url, target, output=output, json_kinds=json_kinds)
        partial = Partial(target, mode, url)
        size = await _download(session.on(io), url, partial, on_progress, options, expected, connections)
        return DownloadedFile(path=path, size=size)

    return await session.io.transfer(work)


def checked_path(destination: str | os.PathLike[str]) -> Path:
    """The path of a file or folder to write to. Raises `InputError` if it can't be one."""
    try:
        return Path(encodable(os.fsdecode(destination)))
    except UnicodeEncodeError as error:
        raise InputError(f"can't download to {destination!r:.200}: {error}") from None
    except (TypeError, ValueError):
        raise InputError(f"can't download to {safe_repr(destination):.200}: it isn't a path") from None


def _checked_target(path: Path) -> tuple[Path, int | None]:
    """The file to write, or the target of a symbolic link, and the permissions of the file that it replaces.

    Rejects anything but a regular file before the download begins.
    """
    try:
        return replaceable(path)
    except IsADirectoryError as error:
        raise TransferError(
            f"can't download to {str(path)!r}: it is a folder, pass the path of a file in it"
        ) from error
    except ValueError:
        raise InputError(f"can't download to {str(path)!r}: a path can't contain null characters") from None
    except OSError as error:
        raise not_written(path, error) from error


def checked_url(url: str) -> None:
    """Raises `InputError` unless the URL is a web address."""
    if not isinstance(cast("object", url), str):
        raise _no_url(url)
    if not is_file_url(url):
        raise InputError(
            f"can't download {without_query(url)[:100]!r}: only https:// and http:// URLs are supported"
        )
    try:
        urlsplit(url).port  # noqa: B018 - raises an error for a malformed host or port
    except ValueError:
        raise InputError(f"can't download {without_query(url)[:100]!r}: the URL is malformed") from None


def _no_url(value: object) -> InputError:
    kind, hint = type(value).__name__, ""
    if isinstance(value, UploadedFile):
        hint = ", its .url"
    elif isinstance(value, Job):
        hint = "; client.jobs.download(job, folder) downloads all outputs of a job"
    return InputError(f"can't download a {kind}: pass the URL of a file{hint}")


async def _download(
    session: Session,
    url: str,
    partial: Partial,
    on_progress: Progress | None,
    options: RequestOptions,
    expected: Expected,
    connections: int,
) -> int:
    try:
        partial.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(partial.target, error) from error

    with partial:

        async def attempt(number: int) -> int:
            nonlocal connections

            async def opened(headers: Mapping[str, str]) -> ResponseStream:
                return await session.io.open(storage_request(session, url, options, number, headers))

            offset, version = partial.resumable()
            stream = ParallelStream(session.io, await opened(_resuming(offset, version)), without_query(url))
            try:
                if stream.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    partial.discard()
                    raise broke_off(without_query(url), offset, None)
                await refuse_errors(stream, url)
                try:
                    content = Content(stream, url, offset, version)
                except IntegrityError:
                    partial.discard()  # the next attempt requests the whole file
                    raise
                stream.split(content, connections, opened)
                size = await _save(content, partial, on_progress)
                try:
                    with partial.reading() as file:
                        check_content(file, size, stream.headers, expected)
                except IntegrityError:
                    partial.discard()
                    raise
                return size
            finally:
                await stream.close()
                connections = 1 if stream.refused else connections

        size = await retrying(session.io, session.policy(options), "download", attempt)
        refuse_empty(size, expected)
        partial.finish(size)
    return size


def _resuming(offset: int, version: Version | None) -> dict[str, str]:
    """The headers that request the rest of this version.

    If the version has changed, the server sends the whole object.
    """
    return {} if version is None else {"Range": f"bytes={offset}-", "If-Range": version.validator}


def storage_request(
    session: Session,
    url: str,
    options: RequestOptions,
    attempt: int,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A GET request to the storage, without the key.

    It asks for the identity coding, so that lengths are those of the file.
    """
    return Request(
        channel="storage",
        method="GET",
        url=url,
        headers={"Accept-Encoding": "identity", "User-Agent": session.settings.user_agent, **(headers or {})},
        timeout=session.timeout(options),
        connect_timeout=options.get("connect_timeout"),
        attempt=attempt,
    )


async def refuse_errors(stream: ResponseStream, url: str) -> None:
    """Raises the `TransferError` of an error answer."""
    if stream.status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    body = bytearray()
    while len(body) < ERROR_BODY and (chunk := await stream.read()):
        body += chunk
    answer = decoded(Response(stream.status, stream.headers, bytes(body)), ERROR_BODY)
    raise storage_error("download", url, stream.status, answer.body)


async def _save(content: Content, partial: Partial, on_progress: Progress | None) -> int:
    """Appends the answer to the partial file, or starts it over, and checks it. Returns the size of the file."""
    if not content.certain:
        raise content.uncertain()
    partial.begin(content.offset, content.count_in)
    is_described = content.offset > 0
    try:
        while chunk := await content.read():
            if not is_described:
                # Only a file that doesn't arrive at once may have to be resumed.
                partial.describe(None if content.received == content.size else content.version)
                is_described = True
            partial.write(chunk)
            if on_progress is not None:
                on_progress(content.received, content.size)
        content.check()
    except IntegrityError:
        if content.damaged:
            partial.discard()
        raise
    return content.received
