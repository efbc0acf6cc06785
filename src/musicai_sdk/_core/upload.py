"""Uploads: every attempt requests a new signed URL and reads the source from its start."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from musicai_sdk._core.arguments import Progress, UploadSource
from musicai_sdk._core.checksums import Check, announced
from musicai_sdk._core.content import STORED_CODING, STORED_LENGTH
from musicai_sdk._core.deadline import in_time, still_time, within
from musicai_sdk._core.denials import denial
from musicai_sdk._core.operations import GET_UPLOAD
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retry import retrying
from musicai_sdk._core.session import Session
from musicai_sdk._core.sources import SourceBody, opened
from musicai_sdk._core.storage_errors import storage_error
from musicai_sdk._io import IO, Request, Response, send
from musicai_sdk._io.codings import codings, decoded
from musicai_sdk._text import without_query
from musicai_sdk.errors import IntegrityError
from musicai_sdk.models.files import UploadedFile

_STORED = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})
"""The statuses of a stored upload. 202, 203, 206 and 207 don't say that all of it is stored."""


async def upload(
    session: Session,
    source: UploadSource,
    on_progress: Progress | None,
    options: RequestOptions,
    deadline: float | None = None,
) -> UploadedFile:
    """Streams the source to the service's storage and returns the URL by which jobs read it.

    At the deadline (a time of `io.now()`), the upload for a job raises `CreateTimeoutError`.
    """

    async def work(io: IO) -> UploadedFile:
        here = session.on(io)
        progress = in_time(here, deadline, on_progress)
        async with opened(io, source, progress, lambda: still_time(here, deadline)) as body:

            async def attempt(number: int) -> UploadedFile:
                left = within(here, options, deadline)
                urls = await here.once(
                    GET_UPLOAD, GET_UPLOAD.path, options=left, attempt=number, deadline=deadline
                )
                still_time(here, deadline)
                request = Request(
                    channel="storage",
                    method="PUT",
                    url=urls.upload_url,
                    # No Content-Type: the signature doesn't include it, and the official clients don't send it.
                    headers={"User-Agent": session.settings.user_agent, "Accept-Encoding": "identity"},
                    body=body,
                    timeout=session.timeout(options),
                    connect_timeout=options.get("connect_timeout"),
                    left=None if deadline is None else deadline - io.now(),
                    attempt=number,
                )
                body.begin()
                response = decoded(await send(io, request))
                if response.status not in _STORED:
                    raise storage_error("upload", urls.upload_url, response.status, response.body)
                await check_stored(io, response, urls.upload_url, body)
                return UploadedFile(url=urls.download_url, size=body.size)

            return await retrying(io, here.policy(options), "upload", attempt, deadline=deadline)

    return await session.io.transfer(work)


async def check_stored(io: IO, response: Response, url: str, body: SourceBody) -> None:
    """Checks that the answer to an upload doesn't contradict its status. A job without its input costs money and fails.

    Storages answer an upload without a body. A page comes from a proxy or a login, an error from a gateway.

    Raises:
        IntegrityError: the file isn't stored, or not whole, or other bytes are.
    """
    headers, shown = response.headers, without_query(url)
    if not body.was_sent:
        raise IntegrityError(
            f"the upload to {shown} was answered {response.status} before all of its {body.size} bytes were sent, so the"
            " file may not be stored",
            url=shown,
        )
    if (reason := denial(response.body, has_body=False)) is not None:
        raise IntegrityError(
            f"the upload to {shown} was answered {response.status} {reason}, so the file may not be stored",
            url=shown,
        )
    if codings(headers, STORED_CODING):
        return  # the storage has coded the bytes
    stored = headers.get(STORED_LENGTH, "")
    if stored.isdigit() and stored != str(body.size):
        raise IntegrityError(
            f"the storage has {stored} of the {body.size} bytes uploaded to {shown}", url=shown
        )
    digests = announced(headers)
    if digests and not _is_of(response.body, digests) and not await _has(io, body, digests):
        raise IntegrityError(
            f"the storage has other bytes than those uploaded to {shown}: it announces another digest",
            url=shown,
        )


def _is_of(answer: bytes, digests: Mapping[str, str]) -> bool:
    """Whether the digests are those of the answer's own body, which is usually empty."""
    check = Check(digests)
    check.update(answer)
    return check.passed()


async def _has(io: IO, body: SourceBody, digests: Mapping[str, str]) -> bool:
    """Whether a body has these digests, as far as that can be found out quickly.

    Reading it again costs less than to compute digests during each upload, in case that the storage announces one.
    """
    check, chunks = Check(digests), body.again()
    if chunks is None:
        return True
    for chunk in chunks:
        check.update(chunk)
        await io.sleep(0)  # other tasks of the event loop run meanwhile
    return check.passed()
