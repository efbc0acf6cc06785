"""Asking the service about a job that is paid for: its word that there is no such job isn't taken at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.errors import NotFoundError

LOOKS = 4
"""How often the service must say that a job is gone: one wrong answer of one of its machines costs no job then."""
_LOOK_AGAIN = 0.5
"""Seconds until the next look."""

T = TypeVar("T")


async def confirm_gone(track: Track, grace: float, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What the service says of a track's job; that it is gone only when it insists on that, because a retry pays anew.

    Args:
        track: The track.
        grace: For how many seconds after it was created the service may not show a job yet.
        ask: Asks the service once.

    Raises:
        NotFoundError: the job is gone.
    """
    began, looks = time.monotonic(), 0
    while True:
        try:
            return await ask()
        except NotFoundError:
            looks += 1
            # By the clock that nobody sets too: that of the process before may have been ahead.
            age = max(time.time() - (track.created_at or 0.0), time.monotonic() - began)
            if looks >= LOOKS and age > grace:
                raise
            await asyncio.sleep(_LOOK_AGAIN)
