"""Asks the service about a paid job. One answer that the job doesn't exist isn't enough."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.errors import NotFoundError

ANSWERS = 4
"""How often the service must say that a job is gone, so that one faulty machine of the service can't cost a job."""
_PAUSE = 0.5
"""Seconds between two requests."""

T = TypeVar("T")


async def confirm_gone(track: Track, grace: float, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Returns the service's answer about a track's job. Accepts that the job is gone only after `ANSWERS` such answers.

    Args:
        track: The track.
        grace: Seconds after a job's creation during which the service may not know it yet.
        ask: Asks the service once.

    Raises:
        NotFoundError: the job is gone.
    """
    began, answers = time.monotonic(), 0
    while True:
        try:
            return await ask()
        except NotFoundError:
            answers += 1
            # Use the monotonic clock too, because the clock of an earlier process may have been ahead.
            age = max(time.time() - (track.created_at or 0.0), time.monotonic() - began)
            if answers >= ANSWERS and age > grace:
                raise
            await asyncio.sleep(_PAUSE)
