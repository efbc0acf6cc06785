"""Downloads: streamed beside the target, resumed where they broke off, checked, and renamed only when whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from musicai_sdk._core.arguments import Progress
from musicai_sdk._core.contents import Expected, check_content
from musicai_sdk._core.digests import Check, announced
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.partial import Partial, Version, content_range, is_of, validator
from musicai_sdk._core.retrying import retrying
from musicai_sdk._core.session import Session
from musicai_sdk._core.sources import CHUNK
from musicai_sdk._core.storage import storage_error
from musicai_sdk._io import IO, Request, ResponseStream
from musicai_sdk._text import without_query
from musicai_sdk.errors import (
    ConnectionFailedError,
    InputError,
    IntegrityError,
    RequestTimeoutError,
    TransferError,
)
from musicai_sdk.models.files import DownloadedFile
from musicai_sdk.models.outputs import is_file_url

ERROR_BODY = 4096
"""Bytes read of a refusal."""


async def download(
    session: Session,
    url: str,
    destination: str | os.PathLike[str],
    on_progress: Progress | None,
    options: RequestOptions,
    *,
    output: bool = False,
) -> DownloadedFile:
    """Downloads a URL to a file; the folders above it are made, an existing file is replaced at the end.

    `output` says that it is one of a job, which is never a web page unless its name says so.
    """
    checked_url(url)
    target = Path(destination)
    if target.is_dir():
        raise TransferError(f"can't download to {str(target)!r}: it is a folder, give a file name in it")

    async def work(io: IO) -> DownloadedFile:
        expected = Expected.of(url, target, output=output)
        return await _download(session.on(io), url, target, on_progress, options, expected)

    return await session.io.transfer(work)


def checked_url(url: str) -> None:
    """Only web addresses are fetched."""
    if not is_file_url(url):
        raise InputError(
            f"can't download {without_query(url)[:100]!r}: only https:// and http:// URLs are fetched"
        )


async def _download(
    session: Session,
    url: str,
    target: Path,
    on_progress: Progress | None,
    options: RequestOptions,
    expected: Expected,
) -> DownloadedFile:
    partial = Partial(target)

    async def attempt(number: int) -> int:
        offset, version = partial.resumable()
        request = storage_request(session, url, options, number, _resuming(offset, version))
        stream = await session.io.open(request)
        try:
            if stream.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                partial.discard()
                raise _not_whole(url, offset, None)
            await refuse_errors(stream, url)
            size = await _save(stream, url, partial, offset, version, on_progress)
            try:
                check_content(partial.path, stream.headers, expected)
            except IntegrityError:
                partial.discard()
                raise
            return size
        finally:
            await stream.close()

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        size = await retrying(session.io, session.policy(options), "download", attempt)
        partial.finish(target)
    except OSError as error:
        if error.errno is None:
            raise  # one of ours that is also a ConnectionError or TimeoutError
        partial.discard()
        raise TransferError(
            f"can't write {str(target)!r}: {error.strerror}", url=without_query(url)
        ) from error
    finally:
        if partial.resumable() == (0, None):
            partial.discard()  # of no use to anybody
    return DownloadedFile(path=target, size=size)


def _resuming(offset: int, version: Version | None) -> dict[str, str]:
    """The headers that ask for the rest, of this version only; of another the server sends the whole."""
    return {} if version is None else {"Range": f"bytes={offset}-", "If-Range": version.validator}


def storage_request(
    session: Session,
    url: str,
    options: RequestOptions,
    attempt: int,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A GET to the storage: never with the key, and in the identity coding so that lengths mean the file's bytes."""
    return Request(
        channel="storage",
        method="GET",
        url=url,
        headers={"Accept-Encoding": "identity", "User-Agent": session.settings.user_agent, **(headers or {})},
        timeout=session.timeout(options),
        attempt=attempt,
    )


async def refuse_errors(stream: ResponseStream, url: str) -> None:
    """Raises the `TransferError` of an answer that isn't the file."""
    if stream.status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    body = bytearray()
    while len(body) < ERROR_BODY and (chunk := await stream.read()):
        body += chunk
    raise storage_error("download", url, stream.status, bytes(body))


async def _save(
    stream: ResponseStream,
    url: str,
    partial: Partial,
    offset: int,
    version: Version | None,
    on_progress: Progress | None,
) -> int:
    """Writes the answer behind what is there already, or from the beginning, and checks size and digest."""
    part = content_range(stream.headers)
    if part is None:
        offset, total = 0, _length(stream.headers)
        version = _version(stream.headers, total)
        partial.describe(version)
    else:
        total = part[1]
        if version is None or part != (offset, version.size) or not is_of(stream.headers, version):
            partial.discard()
            raise _not_whole(url, offset, total)
    check = Check(announced(stream.headers) or (version.digests if version else {}))
    received = offset
    with partial.path.open("r+b" if offset else "wb") as file:
        if offset:
            _count_in(file, offset, check)
        while chunk := await _next(stream, url, received, total):
            file.write(chunk)
            check.update(chunk)
            received += len(chunk)
            if on_progress is not None:
                on_progress(received, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and received != total:
        raise _not_whole(url, received, total)
    if not check.passed():
        partial.discard()
        shown = without_query(url)
        raise IntegrityError(
            f"what arrived from {shown} has another {check.algorithm} than announced", url=shown
        )
    return received


def _count_in(file: BinaryIO, offset: int, check: Check) -> None:
    """Leaves the file at the offset, cut there, with everything before it counted in."""
    left = offset
    while left > 0 and (chunk := file.read(min(CHUNK, left))):
        check.update(chunk)
        left -= len(chunk)
    file.truncate(offset)
    file.seek(offset)


def _length(headers: Mapping[str, str]) -> int | None:
    """The file's size, unless the server ignored the identity coding: coded bytes say nothing about it."""
    length = headers.get("content-length", "")
    plain = headers.get("content-encoding", "identity") == "identity"
    return int(length) if length.isdecimal() and plain else None


def _version(headers: Mapping[str, str], total: int | None) -> Version | None:
    """What a part of this answer could be resumed with; None when the storage doesn't say enough."""
    tag = validator(headers)
    return Version(tag, total, announced(headers)) if tag is not None and total else None


async def _next(stream: ResponseStream, url: str, received: int, total: int | None) -> bytes | memoryview:
    try:
        return await stream.read()
    except RequestTimeoutError:
        raise
    except ConnectionFailedError as error:
        raise _not_whole(url, received, total) from error


def _not_whole(url: str, received: int, total: int | None) -> IntegrityError:
    shown = without_query(url)
    expected = "an unknown number of" if total is None else str(total)
    return IntegrityError(
        f"the download of {shown} broke off after {received} of {expected} bytes", url=shown
    )
