"""What `client.jobs.list` returns: all matching jobs, fetched a page at a time while they are iterated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from typing import TYPE_CHECKING, Any, Generic

from musicai_sdk.models.job import Job, JobPage
from musicai_sdk.models.result import R_co

if TYPE_CHECKING:
    from musicai_sdk._core.lists import JobPages


class AsyncJobList(Generic[R_co]):
    """The matching jobs. Each iteration asks the service anew."""

    def __init__(self, pages: Callable[[], JobPages]) -> None:
        self._pages = pages

    async def pages(self) -> AsyncIterator[JobPage[R_co]]:
        """The answers of the service one by one, each as it came: a job may stand on two pages.

        The last page is empty, and only such a page shows that the list has ended: the service may give fewer jobs
        than were asked for. A list without an empty page was not read to its end.
        """
        async for page in self._pages():
            yield page

    async def __aiter__(self) -> AsyncIterator[Job[R_co]]:
        """One job after the other; a request for every page."""
        pages = self._pages()
        while (page := await pages.next()) is not None:
            for job in page:
                yield job

    def __await__(self) -> Generator[Any, None, list[Job[R_co]]]:
        """Awaited, it gives all matching jobs as a list."""
        return self._all().__await__()

    async def _all(self) -> list[Job[R_co]]:
        return [job async for job in self]
