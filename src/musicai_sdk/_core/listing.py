"""Lists, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError

from musicai_sdk._core.operations import LIST_JOBS, LIST_WORKFLOWS
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk.errors import InputError
from musicai_sdk.models._open import JobStatus
from musicai_sdk.models.account import WorkflowInfo
from musicai_sdk.models.filters import Filters, FiltersDict
from musicai_sdk.models.job import Job
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
    """The jobs that match, one request a page. The end is the first page that isn't full: the service sends no total.

    A job that moves to another page because others are created or deleted meanwhile is not given twice.
    """

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
        if page_size < 1:
            raise InputError(f"page_size must be 1 or more, not {page_size!r}")
        self._session = session
        self._filters = read_filters(filters)
        self._size = page_size
        self._options = options
        self._result_type = result_type
        self._deadline = deadline
        self._number = 0
        self._seen = set[str]()
        self._top: str | None = None
        """The first job of the page before."""
        self._ended = False

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

    async def next(self) -> Sequence[Job[Any]] | None:
        """The next page, or None after the last."""
        if self._ended:
            return None
        query = self._filters.model_dump(by_alias=True, exclude_none=True)
        query |= {"page": self._number, "size": self._size}
        jobs = await self._session.call(
            LIST_JOBS, query=query, options=self._options, deadline=self._deadline
        )
        fresh = [job for job in jobs if job.id not in self._seen]
        self._seen.update(job.id for job in fresh)
        self._number += 1
        # The same full page again: a server that ignores `page` would otherwise be asked for ever. Nothing new on a
        # page isn't enough: so many jobs may have been created meanwhile that all of an old page stands on this one.
        top = jobs[0].id if jobs else None
        self._ended = len(jobs) < self._size or (not fresh and top == self._top)
        self._top = top
        if self._result_type is RawResult:
            return fresh
        return [job.with_result_type(self._result_type) for job in fresh]


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
    found = dict[str, WorkflowInfo]()
    number = 0
    while True:
        query = {"page": number, "size": PAGE_SIZE}
        page = cast(
            "Sequence[WorkflowInfo]", await session.call(LIST_WORKFLOWS, query=query, options=options)
        )
        before = len(found)
        found.update((workflow.slug, workflow) for workflow in page)
        number += 1
        if len(page) < PAGE_SIZE or len(found) == before:
            return list(found.values())
