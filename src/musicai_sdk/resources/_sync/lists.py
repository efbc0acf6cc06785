# Generated from src/musicai_sdk/resources/lists.py by scripts/generate: edit that file.
"""What `client.jobs.list` returns: all matching jobs, fetched a page at a time while they are iterated."""

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
    """The matching jobs, newest first as far as the service says. Each iteration asks the service anew.

    It has no length and no truth value, because only the service knows them: use `.first()` or make a list of it.
    """

    def __init__(self, query: JobQuery) -> None:
        self._query = query

    def first(self) -> Job[R_co] | None:
        """The first matching job, or None when there is none; normally with one request, for a page of one job."""
        pages = self._query.pages(1)
        while (page := run_sync(pages.next())) is not None:
            if page:
                return page[0]
        return None

    def pages(self) -> Iterator[JobPage[R_co]]:
        """The answers of the service one by one, each as it came: a job may stand on two pages. Ignores `limit`.

        The last page is empty, and only such a page shows that the list has ended: the service may give fewer jobs
        than were asked for. A list without an empty page was not read to its end.
        """
        for page in run_sync_each(self._query.pages(None)):
            yield page

    def __iter__(self) -> Iterator[Job[R_co]]:
        """One job after the other, each once; a request for every page."""
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
