"""Recent durations of each workflow's jobs, which determine the time of the first poll of the next job."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Any, ClassVar

from musicai_sdk.models.job import Job


class JobDurations:
    """Durations of the jobs that one client created and waited for. Threads can share it without a lock."""

    REMEMBERED: ClassVar[int] = 10_000
    """The most unfinished jobs to remember. Beyond this number, the oldest are forgotten."""
    SETTLING: ClassVar[float] = 5.0
    """Seconds after its creation during which a job may seem to be gone."""
    RECENT: ClassVar[int] = 8
    """The number of recent jobs per workflow. The shortest of them is the expected duration of the next."""

    def __init__(self) -> None:
        self._created: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._recent: dict[str, tuple[float, ...]] = {}

    def created(self, job_id: str, slug: str, now: float) -> None:
        """Notes the creation of a job, at a time of the driver's clock."""
        self._created[job_id] = (slug, now)
        if len(self._created) > self.REMEMBERED:
            self._created.popitem(last=False)

    def workflow(self, job_id: str) -> str | None:
        """The workflow of a job that this client created."""
        slug, _ = self._created.get(job_id, (None, 0.0))
        return slug

    def forget(self, job_id: str) -> None:
        """Notes that a job was deleted."""
        self._created.pop(job_id, None)

    def is_new(self, job_id: str, now: float) -> bool:
        """Whether this client has just created a job, so that the service may not know it everywhere yet."""
        slug, created = self._created.get(job_id, (None, 0.0))
        return slug is not None and now - created < self.SETTLING

    def expected(self, job_id: str) -> tuple[float, float] | None:
        """The creation time of a job and the shortest recent duration of its workflow in seconds; None if unknown.

        The shortest duration, not the mean, because an early poll costs a request, but a late poll costs time. Failed
        jobs count, so that quick failures of a workflow are detected quickly.
        """
        slug, created = self._created.get(job_id, (None, 0.0))
        recent = self._recent.get(slug) if slug is not None else None
        return (created, min(recent)) if recent else None

    def finished(self, job: Job[Any], now: float) -> None:
        """Learns the duration of a finished job that this client created.

        If the service sends the start time, the duration excludes the time in the queue, which may differ for the next
        job. A duration never exceeds the time since the creation, in case the service's clock is wrong.
        """
        slug, created = self._created.pop(job.id, (None, 0.0))
        if slug is None:
            return
        took = now - created
        if (said := _between(job.started_at or job.created_at, job.completed_at)) is not None:
            took = min(took, said)
        self._recent[slug] = (*self._recent.get(slug, ()), max(0.0, took))[-self.RECENT :]


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    """The seconds between two of the service's times; None if they can't be compared."""
    if begin is None or end is None or (begin.tzinfo is None) != (end.tzinfo is None):
        return None
    return (end - begin).total_seconds()
