"""Reading a JSON output straight into its type."""

from __future__ import annotations

from typing import TypeVar

from musicai_sdk._core.downloading import checked_url, refuse_errors, storage_request
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.retrying import retrying
from musicai_sdk._core.session import Session, read_json
from musicai_sdk._io import Response
from musicai_sdk._text import without_query
from musicai_sdk.errors import InputError, TransferError
from musicai_sdk.models.outputs import CustomStorage, JsonOutput

T = TypeVar("T")

LARGEST_JSON = 256 * 1024 * 1024
"""Bytes above which an output isn't read into memory: no JSON output of the service comes near."""


async def read(session: Session, output: JsonOutput[T], options: RequestOptions) -> T:
    """Fetches a JSON output and validates it."""
    if isinstance(output, CustomStorage):
        raise InputError(
            "this output is in your own storage (copy_results_to=…): read it from there, or give"
            " bucket.resolve(job).result.… instead"
        )
    checked_url(output)

    async def attempt(number: int) -> Response:
        stream = await session.io.open(storage_request(session, output, options, number))
        body = bytearray()
        try:
            await refuse_errors(stream, output)
            while chunk := await stream.read():
                body += chunk
                if len(body) > LARGEST_JSON:
                    raise TransferError(
                        f"{without_query(output)} is too large to be read: download it instead"
                    )
        finally:
            await stream.close()
        return Response(stream.status, stream.headers, bytes(body))

    response = await retrying(session.io, session.policy(options), "read", attempt)
    value: T = read_json(output.content_type, response, f"GET {without_query(output)}")
    return value
