"""The idempotency key of a job, and the digest of its request."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from musicai_sdk._core.deadline import still_time
from musicai_sdk._core.session import Session, encoded
from musicai_sdk._names import encodable
from musicai_sdk._text import formerly_without_signature, without_signature
from musicai_sdk.errors import InputError, SourceNotFoundError
from musicai_sdk.models.outputs import URL_SCHEMES


def checked_key(key: str | None) -> str:
    """Checks the caller's key, or generates a random one."""
    if key is None:
        return str(uuid.uuid4())
    if not isinstance(cast("object", key), str) or not key.strip() or len(key) > 255:
        raise InputError("idempotency_key must be a string of 1 to 255 characters")
    return key


@asynccontextmanager
async def exclusive(session: Session, key: str, deadline: float | None) -> AsyncGenerator[None]:
    """A block that, for each key, only one task or thread of this client runs at a time.

    So the second of two concurrent creates with one key finds the first one's job.
    """
    held, mine = session.creating, object()
    while held.setdefault((os.getpid(), key), mine) is not mine:
        still_time(session, deadline)
        await session.io.sleep(0.05)
    try:
        yield
    finally:
        del held[os.getpid(), key]


def fingerprints(slug: str, params: Mapping[str, Any], copy_results_to: Mapping[str, str]) -> tuple[str, str]:
    """The two digests of a request: the digest for new jobs, and the digest that 2.0.0 computed for the same request.

    Existing paid jobs have either digest, so both must be recognised.
    """
    hashed = {name: _stable(value) for name, value in params.items()}  # files are read once
    current = fingerprint(slug, hashed, copy_results_to, unsigned=without_signature)
    return current, fingerprint(slug, hashed, copy_results_to)


def fingerprint(
    slug: str,
    params: Mapping[str, Any],
    copy_results_to: Mapping[str, str],
    *,
    unsigned: Callable[[str], str] = formerly_without_signature,
) -> str:
    """A digest of a request: workflow, parameters, and destinations of outputs.

    Includes local files by content, and signed URLs without their signature, so that the same request with a new upload
    URL has the same digest.

    Args:
        slug: The workflow's slug.
        params: The parameters by wire name.
        copy_results_to: Upload URLs by output.
        unsigned: Removes the signature from a URL; by default as 2.0.0 did.
    """

    def without(value: Any) -> Any:
        return _unsigned(value, unsigned) if isinstance(value, str) else value

    stable = {name: without(_stable(value)) for name, value in sorted(params.items())}
    targets = {name: without(url) for name, url in sorted(copy_results_to.items())}
    text = encoded({"workflow": slug, "params": stable, "to": targets})
    return hashlib.sha256(text).hexdigest()[:32]


def _stable(value: Any) -> Any:
    """The digest of a local file's content; everything else unchanged."""
    if not isinstance(value, os.PathLike):
        return value
    path = Path(encodable(os.fspath(cast("os.PathLike[str]", value))))
    try:
        with path.open("rb") as file:
            return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    except FileNotFoundError:
        raise SourceNotFoundError(f"there is no file {str(path)!r} to upload") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} can't be read: {error.strerror}") from None


def _unsigned(text: str, unsigned: Callable[[str], str]) -> str:
    if not text.startswith(URL_SCHEMES):
        return text
    try:
        return unsigned(text)
    except ValueError:  # not a URL to us, but perhaps to the service
        return text
