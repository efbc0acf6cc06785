"""Asking the service about a paid job: a single answer that the job doesn't exist isn't believed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.errors import NotFoundError

ANSWERS = 4
"""How often the service must say that a job is gone, so that one of its machines alone can't cost a job."""
_PAUSE = 0.5
"""Seconds between two requests."""

T = TypeVar("T")


async def confirm_gone(track: Track, grace: float, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The service's answer about a track's job. That the job is gone is only believed if the service insists.

    Args:
        track: The track.
        grace: Seconds after its creation for which the service may not show a job yet.
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
            # By the monotonic clock too: the clock of an earlier process may have been ahead.
            age = max(time.time() - (track.created_at or 0.0), time.monotonic() - began)
            if answers >= ANSWERS and age > grace:
                raise
            await asyncio.sleep(_PAUSE)
