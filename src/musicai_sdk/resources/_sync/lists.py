# Generated from src/musicai_sdk/resources/lists.py by scripts/generate: edit that file.
"""What `client.jobs.list` returns: all matching jobs, fetched a page at a time while they are iterated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic

from musicai_sdk._io import run_sync, run_sync_each
from musicai_sdk.models.job import Job, JobPage
from musicai_sdk.models.result import R_co

if TYPE_CHECKING:
    from musicai_sdk._core.lists import JobPages


class JobList(Generic[R_co]):
    """The matching jobs. Each iteration asks the service anew."""

    def __init__(self, pages: Callable[[], JobPages]) -> None:
        self._pages = pages

    def pages(self) -> Iterator[JobPage[R_co]]:
        """The answers of the service one by one, each as it came: a job may stand on two pages.

        The last page is empty, and only such a page shows that the list has ended: the service may give fewer jobs
        than were asked for. A list without an empty page was not read to its end.
        """
        for page in run_sync_each(self._pages()):
            yield page

    def __iter__(self) -> Iterator[Job[R_co]]:
        """One job after the other; a request for every page."""
        pages = self._pages()
        while (page := run_sync(pages.next())) is not None:
            for job in page:
                yield job
