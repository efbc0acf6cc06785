"""How long the jobs of each workflow have taken of late: when a first look at the next one is worth a request."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Any, ClassVar

from musicai_sdk.models.job import Job


class Durations:
    """What one client learns from the jobs that it creates and waits for. Threads can share it without a lock."""

    REMEMBERED: ClassVar[int] = 10_000
    """Jobs that were created and not seen at their end: of more, the oldest are forgotten."""
    RECENT: ClassVar[int] = 8
    """Jobs of a workflow that count: the shortest of them is what the next one is expected to take."""

    def __init__(self) -> None:
        self._created: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._recent: dict[str, tuple[float, ...]] = {}

    def created(self, job_id: str, slug: str, now: float) -> None:
        """Notes that this client has just created a job, by its driver's clock."""
        self._created[job_id] = (slug, now)
        if len(self._created) > self.REMEMBERED:
            self._created.popitem(last=False)

    def workflow(self, job_id: str) -> str | None:
        """The workflow of a job that this client has created."""
        slug, _ = self._created.get(job_id, (None, 0.0))
        return slug

    def expected(self, job_id: str) -> tuple[float, float] | None:
        """When a job was created, and how many seconds such jobs take at least; None when it isn't known.

        It is the shortest of the last few, not their mean: looking too early costs a request, too late costs time.
        Failures count, so that a workflow that fails at once isn't found out late time and again.
        """
        slug, created = self._created.get(job_id, (None, 0.0))
        recent = self._recent.get(slug) if slug is not None else None
        return (created, min(recent)) if recent else None

    def finished(self, job: Job[Any], now: float) -> None:
        """Learns from a job that has ended, if this client has created it.

        The time in the service's queue doesn't count where the service says when it began: it says nothing about the
        next job. No job takes longer than from its creation to here, whatever the clocks of others say.
        """
        slug, created = self._created.pop(job.id, (None, 0.0))
        if slug is None:
            return
        took = now - created
        if (said := _between(job.started_at or job.created_at, job.completed_at)) is not None:
            took = min(took, said)
        self._recent[slug] = (*self._recent.get(slug, ()), max(0.0, took))[-self.RECENT :]


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    """The seconds between two time stamps of the service, unless they can't be compared."""
    if begin is None or end is None or (begin.tzinfo is None) != (end.tzinfo is None):
        return None
    return (end - begin).total_seconds()
