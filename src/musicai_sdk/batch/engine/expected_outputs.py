"""Waits for outputs that appear after their job's final status. A job is deleted once the outputs that it shows are safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from musicai_sdk.models import Job
from musicai_sdk.models.result_files import filled_outputs

PAUSES = (0.5, 1.5, 3.0)
"""Seconds between requests for a job that lacks outputs."""
_MOST_IN_VAIN = 3
"""The most outputs that don't come before the run no longer waits: the workflow's outputs vary."""


class ExpectedOutputs:
    """The outputs that the jobs of one workflow have, as far as a run has seen them."""

    def __init__(self) -> None:
        self._seen = set[str]()
        self._optional = set[str]()
        """Outputs that a job didn't get in time. No other job is waited for because of them."""

    async def complete(self, job: Job[Any], fetch: Callable[[], Coroutine[Any, Any, Job[Any]]]) -> Job[Any]:
        """Returns a job that succeeded, after a few seconds if it lacks an output.

        It lacks those that are null or empty, and those that other jobs have.

        Args:
            job: The job.
            fetch: Fetches it again.
        """
        for pause in PAUSES:
            if not self.missing(job):
                return job
            await asyncio.sleep(pause)
            job = await fetch()
        self._optional |= self.missing(job)
        return job

    def missing(self, job: Job[Any]) -> set[str]:
        """The outputs that a job that succeeded lacks, and may still get."""
        if not job.succeeded:
            return set()
        result = job.raw_result or {}
        filled = filled_outputs(result)
        self._seen |= filled
        if len(self._optional) >= _MOST_IN_VAIN:
            return set()
        return (self._seen | set(result)) - filled - self._optional
