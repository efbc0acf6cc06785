"""Lists of jobs and workflows, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, cast

from pydantic import ValidationError
from typing_extensions import override

from musicai_sdk._core.operations import LIST_JOBS, LIST_WORKFLOWS
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.pagination import Pager, check_page_size, is_whole
from musicai_sdk._core.session import Session
from musicai_sdk._io import BlockingIO, run_sync
from musicai_sdk._io.record import logger
from musicai_sdk.errors import InputError
from musicai_sdk.models._lenient import Page
from musicai_sdk.models._open import JobStatus
from musicai_sdk.models.account import WorkflowInfo
from musicai_sdk.models.filters import Filters, FiltersDict, matches
from musicai_sdk.models.job import Job, JobPage, mark_listed
from musicai_sdk.models.problems import problems
from musicai_sdk.models.result import RawResult, WorkflowResult
from musicai_sdk.workflows.base import Workflow

PAGE_SIZE = 100
"""The service's default; its maximum isn't documented."""


def read_filters(filters: Filters | FiltersDict | Mapping[str, Any] | None) -> Filters:
    """Converts filters in any form to the model. `InputError` names the value that doesn't fit."""
    if isinstance(filters, Filters):
        return filters
    try:
        return Filters.model_validate(filters or {})
    except ValidationError as error:
        raise InputError(f"these filters don't fit: {problems(error, 'filters')}") from None


@dataclass(eq=False)
class JobPages:
    """The matching jobs page by page, in the service's order. `Pager` describes how the end is recognised."""

    session: Session
    filters: Filters | Mapping[str, Any]
    page_size: int
    options: RequestOptions
    result_type: type[WorkflowResult] = RawResult
    _: KW_ONLY
    limit: int | None = None
    deadline: float | None = None

    def __post_init__(self) -> None:
        """Checks the filters and the page size."""
        self._filters = read_filters(self.filters)
        self._query = self._filters.model_dump(by_alias=True, exclude_none=True)
        self._pager = Pager(self._fetch, self.page_size, lambda job: job.id)
        self._seen = set[str]()
        self._ignored = False
        """Whether the service has sent jobs that don't match."""

    def __aiter__(self) -> JobPages:
        return self

    async def __anext__(self) -> JobPage[Any]:
        """The next page as the service sent it; the last one is empty."""
        jobs = await self._pager.next()
        if jobs is None:
            raise StopAsyncIteration
        unreadable = jobs.unreadable if isinstance(jobs, Page) else 0
        if self.result_type is not RawResult:
            jobs = [job.with_result_type(self.result_type) for job in jobs]
        return JobPage(jobs, asked=self._pager.asked, unreadable=unreadable)

    async def next(self) -> Sequence[Job[Any]] | None:
        """The new jobs on the next page, or None after the last page or the last job within the limit.

        Returns each job once, even if it moves to another page because other jobs are created or deleted meanwhile.
        """
        left = None if self.limit is None else self.limit - len(self._seen)
        if left == 0 or (page := await anext(self, None)) is None:
            return None
        fresh = [job for job in page if job.id not in self._seen][:left]
        self._compare(fresh)
        self._seen.update(job.id for job in fresh)
        return fresh

    def _compare(self, jobs: Sequence[Job[Any]]) -> None:
        """Warns of jobs that contradict the filters, which a service may ignore."""
        if self._ignored or not self._query or not any(matches(self._filters, job) is False for job in jobs):
            return
        self._ignored = True
        logger.warning(
            "the service lists jobs that don't match the filters (%s)",
            ", ".join(f"{name}={value!r}" for name, value in self._query.items()),
        )

    async def _fetch(self, number: int, size: int) -> list[Job[Any]]:
        query = self._query | {"page": number, "size": size}
        jobs = await self.session.call(LIST_JOBS, query=query, options=self.options, deadline=self.deadline)
        mark_listed(jobs)
        return jobs


@dataclass(frozen=True)
class JobQuery:
    """The arguments of `client.jobs.list`, checked."""

    session: Session
    filters: Filters
    result_type: type[WorkflowResult]
    page_size: int
    limit: int | None
    options: RequestOptions

    def pages(self, limit: int | None) -> JobPages:
        """At most `limit` matching jobs, from the first page on. Requests no larger page than needed."""
        size = self.page_size if limit is None else min(self.page_size, max(1, limit))
        return JobPages(self.session, self.filters, size, self.options, self.result_type, limit=limit)

    @override
    def __str__(self) -> str:
        given = {
            **self.filters.model_dump(exclude_none=True),
            "page_size": None if self.page_size == PAGE_SIZE else self.page_size,
            "limit": self.limit,
        }
        return ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)


def preview(query: JobQuery, count: int) -> Sequence[Job[Any]] | None:
    """The first matching jobs, with one request; None if the driver can't send it without suspending."""
    if not isinstance(query.session.io, BlockingIO):
        return None
    limit = count if query.limit is None else min(count, query.limit)
    return run_sync(query.pages(limit).next()) or []


def job_query(
    session: Session,
    status: JobStatus | Sequence[JobStatus] | None,
    workflow: type[Workflow[Any]] | Sequence[str] | None,
    batch_name: str | None,
    page_size: int,
    limit: int | None,
    options: RequestOptions,
) -> JobQuery:
    """Checks the arguments of `client.jobs.list`. A workflow class gives the slug and the type of the results.

    Raises:
        InputError: an argument is invalid.
    """
    result_type: type[WorkflowResult] = RawResult
    if isinstance(workflow, Workflow):
        raise InputError(f"workflow must be a class or slugs: workflow={type(workflow).__name__}")
    if isinstance(workflow, type):
        if not issubclass(cast("type", workflow), Workflow):
            raise InputError(f"workflow must be a workflow class or slugs, not {workflow.__name__}")
        result_type, slug = workflow.result_type, getattr(workflow, "slug", None)
        if not isinstance(slug, str):
            raise InputError(f"{workflow.__name__} has no slug of its own: pass slugs, workflow=['…']")
        workflow = [slug]
    if limit is not None and not (is_whole(limit) and limit >= 0):
        raise InputError(f"limit must be a whole number of jobs, or None for all, not {limit!r:.100}")
    check_page_size(page_size)
    filters = read_filters({"status": status, "workflow": workflow, "batchName": batch_name})
    return JobQuery(session, filters, result_type, page_size, limit, options)


async def list_workflows(session: Session, options: RequestOptions) -> list[WorkflowInfo]:
    """All workflows of the account."""

    async def fetch(number: int, size: int) -> Sequence[WorkflowInfo]:
        return await session.call(LIST_WORKFLOWS, query={"page": number, "size": size}, options=options)

    pager = Pager(fetch, PAGE_SIZE, lambda workflow: workflow.slug)
    found = dict[str, WorkflowInfo]()
    while (page := await pager.next()) is not None:
        found.update((workflow.slug, workflow) for workflow in page)
    return list(found.values())
