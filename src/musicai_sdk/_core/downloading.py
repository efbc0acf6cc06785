"""Downloads: streamed beside the target, checked, and renamed only when whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from musicai_sdk._core.names import PARTIAL
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retrying import retrying
from musicai_sdk._core.session import Session
from musicai_sdk._core.sources import Progress
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

ERROR_BODY = 4096
"""Bytes read of a refusal."""


async def download(
    session: Session,
    url: str,
    destination: str | os.PathLike[str],
    on_progress: Progress | None,
    options: RequestOptions,
) -> DownloadedFile:
    """Downloads a URL to a file; the folders above it are made, an existing file is replaced at the end."""
    checked_url(url)
    target = Path(destination)
    if target.is_dir():
        raise TransferError(f"can't download to {str(target)!r}: it is a folder, give a file name in it")

    async def work(io: IO) -> DownloadedFile:
        return await _download(session.on(io), url, target, on_progress, options)

    return await session.io.transfer(work)


def checked_url(url: str) -> None:
    """Only web addresses are fetched."""
    if not url.startswith(("https://", "http://")):
        raise InputError(
            f"can't download {without_query(url)[:100]!r}: only https:// and http:// URLs are fetched"
        )


async def _download(
    session: Session, url: str, target: Path, on_progress: Progress | None, options: RequestOptions
) -> DownloadedFile:
    part = target.with_name(target.name + PARTIAL)

    async def attempt(number: int) -> int:
        stream = await session.io.open(storage_request(session, url, options, number))
        try:
            await refuse_errors(stream, url)
            return await _save(stream, url, part, on_progress)
        finally:
            await stream.close()

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        size = await retrying(session.io, session.policy(options), "download", attempt)
        os.replace(part, target)  # noqa: PTH105 - the same, and named after what matters here: it is atomic
    except OSError as error:
        if error.errno is None:
            raise  # one of ours that is also a ConnectionError or TimeoutError
        raise TransferError(
            f"can't write {str(target)!r}: {error.strerror}", url=without_query(url)
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return DownloadedFile(path=target, size=size)


def storage_request(session: Session, url: str, options: RequestOptions, attempt: int) -> Request:
    """A GET to the storage: never with the key, and in the identity coding so that lengths mean the file's bytes."""
    return Request(
        channel="storage",
        method="GET",
        url=url,
        headers={"Accept-Encoding": "identity", "User-Agent": session.settings.user_agent},
        timeout=session.timeout(options),
        attempt=attempt,
    )


async def refuse_errors(stream: ResponseStream, url: str) -> None:
    """Raises the `TransferError` of an answer that isn't the file."""
    if stream.status == 200:
        return
    body = bytearray()
    while len(body) < ERROR_BODY and (chunk := await stream.read()):
        body += chunk
    raise storage_error("download", url, stream.status, bytes(body))


async def _save(stream: ResponseStream, url: str, part: Path, on_progress: Progress | None) -> int:
    length = stream.headers.get("content-length", "")
    # A length of coded bytes says nothing about the file's, should a server ignore the identity coding.
    plain = stream.headers.get("content-encoding", "identity") == "identity"
    total = int(length) if length.isdecimal() and plain else None
    received = 0
    with part.open("wb") as file:
        while chunk := await _next(stream, url, received, total):
            file.write(chunk)
            received += len(chunk)
            if on_progress is not None:
                on_progress(received, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and received != total:
        raise _not_whole(url, received, total)
    return received


async def _next(stream: ResponseStream, url: str, received: int, total: int | None) -> bytes:
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
