"""Uploads: every attempt requests a new signed URL and reads the source from its start."""

from __future__ import annotations

import re

from musicai_sdk._core.arguments import Progress, UploadSource
from musicai_sdk._core.content import STORED_CODING, STORED_LENGTH
from musicai_sdk._core.deadline import in_time, still_time, within
from musicai_sdk._core.operations import GET_UPLOAD
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retry import retrying
from musicai_sdk._core.session import Session
from musicai_sdk._core.sources import opened
from musicai_sdk._core.storage_errors import storage_error
from musicai_sdk._io import IO, Request, Response, send
from musicai_sdk._text import without_query
from musicai_sdk.errors import IntegrityError
from musicai_sdk.models.files import UploadedFile

_ERROR = re.compile(rb"\{\s*\"(errors?|statusCode|code|message)\"\s*:", re.IGNORECASE)
"""The beginning of a server's error in JSON."""


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
                response = await send(io, request)
                if not 200 <= response.status < 300:
                    raise storage_error("upload", urls.upload_url, response.status, response.body)
                check_stored(response, urls.upload_url, body.size)
                return UploadedFile(url=urls.download_url, size=body.size)

            return await retrying(io, here.policy(options), "upload", attempt, deadline=deadline)

    return await session.io.transfer(work)


def check_stored(response: Response, url: str, size: int) -> None:
    """Checks that the answer to an upload doesn't contradict its status. A job without its input costs money and fails.

    Storages answer an upload without a body. A page comes from a proxy or a login, an error from a gateway.

    Raises:
        IntegrityError: the file isn't stored, or not whole.
    """
    headers, said = response.headers, response.body.lstrip()
    stored = headers.get(STORED_LENGTH, "")
    coded = headers.get(STORED_CODING, "identity") != "identity"
    shown = without_query(url)
    if said.startswith(b"<") or _ERROR.match(said):
        raise IntegrityError(
            f"the upload to {shown} was answered {response.status} with a page or an error, perhaps of a proxy or a login,"
            " so the file may not be stored",
            url=shown,
        )
    if stored.isdigit() and stored != str(size) and not coded:
        raise IntegrityError(f"the storage has {stored} of the {size} bytes uploaded to {shown}", url=shown)
