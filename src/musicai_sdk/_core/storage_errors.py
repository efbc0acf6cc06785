"""Errors of the storage."""

from __future__ import annotations

import re

from musicai_sdk._text import without_query
from musicai_sdk.errors import TransferError

EXPIRED_STATUSES = frozenset({400, 401, 403, 404, 410})
"""Statuses that an expired signed URL may get. A retry needs a new URL."""


def storage_error(what: str, url: str, status: int, body: bytes) -> TransferError:
    """The error of a refused upload or download. The storage answers in XML with a `Code`."""
    code = re.search(rb"<Code>([\w.-]{1,100})</Code>", body)
    reason = f" ({code[1].decode()})" if code else ""
    hint = ""
    if status in EXPIRED_STATUSES:
        hint = "; the signed URL has expired or isn't for this use"
        if what == "download":
            hint += ": client.jobs.get(job) returns the outputs with new ones"
    shown = without_query(url)
    return TransferError(
        f"{what} failed: the storage answered {status}{reason} for {shown}{hint}", url=shown, status=status
    )
