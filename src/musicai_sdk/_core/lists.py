"""Lists, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from musicai_sdk._core.operations import LIST_JOBS, LIST_WORKFLOWS
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.pagination import Pager
from musicai_sdk._core.session import Session
from musicai_sdk.errors import InputError
from musicai_sdk.models._lenient import Page
from musicai_sdk.models._open import JobStatus
from musicai_sdk.models.account import WorkflowInfo
from musicai_sdk.models.filters import Filters, FiltersDict
from musicai_sdk.models.job import Job, JobPage
from musicai_sdk.models.result import RawResult, WorkflowResult
from musicai_sdk.workflows.base import Workflow

PAGE_SIZE = 100
"""The service's default; the largest it allows isn't known."""


def read_filters(filters: Filters | FiltersDict | Mapping[str, Any] | None) -> Filters:
    """Any form of filters as the model; `InputError` names what doesn't fit."""
    if isinstance(filters, Filters):
        return filters
    try:
        return Filters.model_validate(filters or {})
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise InputError(f"these filters don't fit: {'; '.join(problems)}") from None


class JobPages:
    """The jobs that match, one request a page, in the order of the service. See `Pager` for how the end is known."""

    def __init__(
        self,
        session: Session,
        filters: Filters | Mapping[str, Any],
        page_size: int,
        options: RequestOptions,
        result_type: type[WorkflowResult] = RawResult,
        *,
        deadline: float | None = None,
    ) -> None:
        self._session = session
        self._filters = read_filters(filters)
        self._size = page_size
        self._options = options
        self._result_type = result_type
        self._deadline = deadline
        self._pager = Pager(self._fetch, page_size, lambda job: job.id)
        self._seen = set[str]()

    def again(self) -> JobPages:
        """The same pages from the first."""
        return JobPages(
            self._session,
            self._filters,
            self._size,
            self._options,
            self._result_type,
            deadline=self._deadline,
        )

    def __aiter__(self) -> JobPages:
        return self

    async def __anext__(self) -> JobPage[Any]:
        """The next page as it came; the last one is empty."""
        jobs = await self._pager.next()
        if jobs is None:
            raise StopAsyncIteration
        unreadable = jobs.unreadable if isinstance(jobs, Page) else 0
        if self._result_type is not RawResult:
            jobs = [job.with_result_type(self._result_type) for job in jobs]
        return JobPage(jobs, asked=self._pager.asked, unreadable=unreadable)

    async def next(self) -> Sequence[Job[Any]] | None:
        """What is new on the next page, or None after the last.

        A job that moves to another page because others are created or deleted meanwhile is not given twice.
        """
        page = await anext(self, None)
        if page is None:
            return None
        fresh = [job for job in page if job.id not in self._seen]
        self._seen.update(job.id for job in fresh)
        return fresh

    async def _fetch(self, number: int, size: int) -> list[Job[Any]]:
        query = self._filters.model_dump(by_alias=True, exclude_none=True)
        query |= {"page": number, "size": size}
        return await self._session.call(
            LIST_JOBS, query=query, options=self._options, deadline=self._deadline
        )


def job_pages(
    session: Session,
    status: JobStatus | Sequence[JobStatus] | None,
    workflow: type[Workflow[Any]] | Sequence[str] | None,
    batch_name: str | None,
    page_size: int,
    options: RequestOptions,
) -> JobPages:
    """The pages of `client.jobs.list`; a workflow's class stands for its slug and types the results."""
    result_type: type[WorkflowResult] = RawResult
    if isinstance(workflow, type):
        result_type, slug = workflow.result_type, getattr(workflow, "slug", None)
        if not isinstance(slug, str):
            raise InputError(f"{workflow.__name__} has no slug of its own: give slugs, workflow=['…']")
        workflow = [slug]
    filters = {"status": status, "workflow": workflow, "batchName": batch_name}
    return JobPages(session, filters, page_size, options, result_type)


async def list_workflows(session: Session, options: RequestOptions) -> list[WorkflowInfo]:
    """All workflows of the account, every page."""

    async def fetch(number: int, size: int) -> Sequence[WorkflowInfo]:
        return await session.call(LIST_WORKFLOWS, query={"page": number, "size": size}, options=options)

    pager = Pager(fetch, PAGE_SIZE, lambda workflow: workflow.slug)
    found = dict[str, WorkflowInfo]()
    while (page := await pager.next()) is not None:
        found.update((workflow.slug, workflow) for workflow in page)
    return list(found.values())
