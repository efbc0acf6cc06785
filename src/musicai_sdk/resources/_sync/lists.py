# Generated from src/musicai_sdk/resources/lists.py by scripts/generate: edit that file.
"""The return value of `client.jobs.list`: an iterable of the matching jobs, fetched page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, NoReturn

from typing_extensions import override

from musicai_sdk._io import run_sync, run_sync_each
from musicai_sdk.models.job import Job, JobPage
from musicai_sdk.models.result import R_co

if TYPE_CHECKING:
    from musicai_sdk._core.lists import JobQuery


class JobList(Generic[R_co]):
    """The matching jobs, in the service's order. Each iteration requests them again.

    It has no length and no truth value, because only the service knows how many jobs match: use `.first()`, or convert
    it to a list.
    """

    def __init__(self, query: JobQuery) -> None:
        self._query = query

    def first(self) -> Job[R_co] | None:
        """The first matching job, or None if there is none. Requests a page of one job."""
        pages = self._query.pages(1)
        while (page := run_sync(pages.next())) is not None:
            if page:
                return page[0]
        return None

    def pages(self) -> Iterator[JobPage[R_co]]:
        """The pages as the service sends them, regardless of `limit`. A job may appear on two pages.

        The last page is empty. Only an empty page marks the end of the list, because the service may return fewer
        jobs than requested.
        """
        for page in run_sync_each(self._query.pages(None)):
            yield page

    def __iter__(self) -> Iterator[Job[R_co]]:
        """Each matching job once; one request per page."""
        pages = self._query.pages(self._query.limit)
        while (page := run_sync(pages.next())) is not None:
            for job in page:
                yield job

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "whether any job matches isn't known without a request: test `client.jobs.list(…).first() is not None`,"
            " or make a list of the jobs"
        )

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._query})"
