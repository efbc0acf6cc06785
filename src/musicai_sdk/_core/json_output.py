"""Downloads a JSON output and validates it as its declared type."""

from __future__ import annotations

from typing import Any

from musicai_sdk._core.content import Content
from musicai_sdk._core.download import checked_url, refuse_errors, storage_request
from musicai_sdk._core.file_kinds import refuse_error
from musicai_sdk._core.operations import adapter
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.responses import read_json
from musicai_sdk._core.retry import retrying
from musicai_sdk._core.session import Session
from musicai_sdk._io import Response, ResponseStream
from musicai_sdk._text import safe_repr, without_query
from musicai_sdk.errors import InputError, TransferError
from musicai_sdk.models.outputs import CUSTOM_STORAGE, JsonFile

LARGEST_JSON = 256 * 1024 * 1024
"""The most bytes of an output to read into memory. JSON outputs of the service are far smaller."""


async def read(session: Session, output: str, options: RequestOptions) -> Any:
    """Downloads a JSON output and validates it as its content type."""
    kind = _content_type(output)

    async def attempt(number: int) -> Response:
        stream = await session.io.open(storage_request(session, output, options, number))
        body = bytearray()
        try:
            await refuse_errors(stream, output)
            _refuse_media(stream, output)
            content = Content(stream, output)
            while chunk := await content.read():
                body += chunk
                if len(body) > LARGEST_JSON:
                    raise TransferError(
                        f"{without_query(output)} is too large to read into memory: download it instead"
                    )
            content.check()
            refuse_error(body, without_query(output))
        finally:
            await stream.close()
        if not content.certain and not body.rstrip().endswith((b"]", b"}", b'"')):
            raise content.uncertain()  # a closing bracket or quote would mark the end of JSON
        return Response(stream.status, stream.headers, bytes(body))

    response = await retrying(session.io, session.policy(options), "read", attempt)
    return read_json(kind, response, f"GET {without_query(output)}", cut=False)


def _content_type(output: object) -> Any:
    """The type of the output's content. Raises `InputError` if the output can't be downloaded or read."""
    if not isinstance(output, str):
        raise InputError(
            f"only the URL of a JSON file can be read, not {type(output).__name__}: an output that is a plain value is"
            f" in the job's result already"
        )
    if output == CUSTOM_STORAGE:
        raise InputError(
            "this output is in your own storage (copy_results_to=…): read it from there, or pass"
            " bucket.resolve(job).result.… instead"
        )
    checked_url(output)
    kind: Any = output.content_type if isinstance(output, JsonFile) else Any
    try:
        adapter(kind).rebuild()  # fails for a type given only by name, such as "Chord"
    except Exception:  # noqa: BLE001 - names of types are evaluated, and types have code of their own
        raise InputError(
            f"{safe_repr(kind):.100} isn't a type for JSON: pass one, as in JsonFile(url, list[Chord])"
        ) from None
    return kind


def _refuse_media(stream: ResponseStream, url: str) -> None:
    """Raises `InputError` for a recording before its body, which may be large, is downloaded."""
    media, _, _ = stream.headers.get("content-type", "").partition("/")
    if media in ("audio", "video", "image"):
        raise InputError(f"{without_query(url)} is {media}, not JSON: client.files.download saves it")
