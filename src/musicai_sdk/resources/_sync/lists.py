# Generated from src/musicai_sdk/resources/lists.py by scripts/generate: edit that file.
"""The return value of `client.jobs.list`: an iterable of the matching jobs, fetched page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, NoReturn

from typing_extensions import override

from musicai_sdk import _core
from musicai_sdk._io import run_sync, run_sync_each
from musicai_sdk.errors import MusicAiError
from musicai_sdk.models.job import Job, JobPage
from musicai_sdk.models.result import R_co

if TYPE_CHECKING:
    from musicai_sdk._core.lists import JobQuery

LISTED = 10
"""The most jobs in a notebook's cell."""


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

    def to_pandas(self) -> Any:
        """All matching jobs as a `pandas.DataFrame`: id, status, workflow, name, times, error and names of outputs.

        Raises:
            ConfigurationError: pandas isn't installed: `pip install pandas`.
        """
        from musicai_sdk._frames import data_frame  # here: few programs need it
        from musicai_sdk.models._shown import ROW, job_row

        rows = list[dict[str, Any]]()
        pages = self._query.pages(self._query.limit)
        while (page := run_sync(pages.next())) is not None:
            rows += map(job_row, page)
        return data_frame(rows, ROW)

    def _repr_html_(self) -> str:
        """The first jobs in a notebook, which takes one request; the synchronous client can't send it here."""
        from musicai_sdk.models._shown import jobs_html  # here: only notebooks need it

        try:
            jobs = _core.lists.preview(self._query, LISTED + 1)
        except MusicAiError as error:
            return jobs_html(repr(self), [], str(error))
        if jobs is None:
            return jobs_html(repr(self), [], "`await` it for a list of the jobs")
        return jobs_html(repr(self), jobs[:LISTED], "and more" if len(jobs) > LISTED else "")

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "whether any job matches isn't known without a request: test `client.jobs.list(…).first() is not None`,"
            " or make a list of the jobs"
        )

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._query})"
