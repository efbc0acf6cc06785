"""The token under which a job is created, and the digest of what it was created for."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from musicai_sdk._core.deadlines import still_time
from musicai_sdk._core.session import Session, encoded
from musicai_sdk._text import without_signature
from musicai_sdk.errors import InputError, SourceNotFoundError


def checked_key(key: str | None) -> str:
    """The caller's token, or a new one."""
    if key is None:
        return str(uuid.uuid4())
    if not isinstance(cast("object", key), str) or not key.strip() or len(key) > 255:
        raise InputError("idempotency_key must be a string of 1 to 255 characters")
    return key


@asynccontextmanager
async def alone(session: Session, key: str, deadline: float | None) -> AsyncGenerator[None]:
    """A block that one task or thread of this client runs at a time for each token.

    Of two that create a job under one token the second has to find the first one's.
    """
    held, mine = session.creating, object()
    while held.setdefault((os.getpid(), key), mine) is not mine:
        still_time(session, deadline)
        await session.io.sleep(0.05)
    try:
        yield
    finally:
        del held[os.getpid(), key]


def fingerprint(slug: str, params: Mapping[str, Any], copy_results_to: Mapping[str, str]) -> str:
    """A digest of what a job is paid for: workflow, parameters, and which outputs go where.

    Local files count by their content and signed URLs without their signature, so that the same request made again,
    with a fresh upload URL, is the same.
    """
    stable = {name: _stable(value) for name, value in params.items()}
    targets = {name: _unsigned(url) for name, url in copy_results_to.items()}
    text = encoded(
        {"workflow": slug, "params": dict(sorted(stable.items())), "to": dict(sorted(targets.items()))}
    )
    return hashlib.sha256(text).hexdigest()[:32]


def _stable(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        path = Path(cast("os.PathLike[str]", value))
        try:
            with path.open("rb") as file:
                return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
        except FileNotFoundError:
            raise SourceNotFoundError(f"there is no file {str(path)!r} to upload") from None
        except OSError as error:
            raise InputError(f"{str(path)!r} can't be read: {error.strerror}") from None
    return _unsigned(value) if isinstance(value, str) else value


def _unsigned(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        return text
    try:
        return without_signature(text)
    except ValueError:  # the service may know what it is
        return text
