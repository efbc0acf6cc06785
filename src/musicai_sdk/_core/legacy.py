"""Arguments and answers of the 1.0 methods: `timeout`, former argument names, dictionaries, pages."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from musicai_sdk._core.arguments import CLIENT_TIMEOUT, AddJobOptions, NewJob
from musicai_sdk._core.lists import PAGE_SIZE, JobPages, list_workflows, read_filters
from musicai_sdk._core.operations import LIST_JOBS, LIST_WORKFLOWS
from musicai_sdk._core.options import RequestOptions, check_timeout
from musicai_sdk._core.session import Session
from musicai_sdk.errors import InputError, NotFoundError
from musicai_sdk.models.account import WorkflowList
from musicai_sdk.models.filters import Filters, FiltersDict, RawQuery
from musicai_sdk.models.job import Job, read_job


def new_job(name: str, options: AddJobOptions) -> NewJob:
    """The request of an `add_job` call."""
    return NewJob(
        name,
        options.get("metadata"),
        options.get("copy_results_to"),
        options.get("idempotency_key"),
        settle=options.get("settle"),
    )


@contextmanager
def explaining_order(name: str, slug: str) -> Generator[None]:
    """Adds a note to the error of an unknown workflow if the name looks like a slug."""
    try:
        yield
    except NotFoundError as error:
        if "/" in str(name) and "/" not in slug:
            error.add_note("the name comes first: client.add_job(name, slug, params)")
        raise


def settings_of(options: RequestOptions, timeout: float | None) -> RequestOptions:
    """The per-call settings of a 1.0 method, with `timeout` as `request_timeout`."""
    own = {"metadata", "copy_results_to", "idempotency_key", "settle"}
    settings = cast("RequestOptions", {key: value for key, value in options.items() if key not in own})
    if timeout is not CLIENT_TIMEOUT:
        if "request_timeout" in settings:
            raise TypeError("timeout and request_timeout are the same setting: pass one of them")
        check_timeout(timeout, "timeout", InputError)
        settings["request_timeout"] = timeout
    return settings


def either(value: object, former: object, names: str) -> Any:
    """The value of an argument that was given by its name or by its 1.0 name."""
    if value is not None and former is not None:
        raise TypeError(f"{names} are the same argument: pass one of them")
    found = former if value is None else value
    if found is None:
        raise InputError(f"{names}: pass one of them")
    return found


def as_job(job: str | Job[Any] | Mapping[str, Any]) -> str | Job[Any]:
    """Converts a 1.0 dictionary, perhaps read from a file, to a job. Returns an id or a `Job` unchanged.

    Returns the job's id for a dictionary without a status, such as the answer to `add_job`.
    """
    if isinstance(job, Job) or not isinstance(job, Mapping):
        # pyright can't exclude a type that is both a Mapping and a Job.
        unchanged: str | Job[Any] = cast("Any", job)
        return unchanged
    if "status" not in job:
        return cast("str", job.get("id"))
    return read_job(job)


def _split(filters: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separates the filters and the page arguments, which 1.0 takes in one dictionary."""
    if filters is not None and not isinstance(cast("object", filters), Mapping):
        raise InputError(f"filters must be a dictionary, not {type(filters).__name__}")
    rest = dict(filters or {})
    return rest, {name: rest.pop(name) for name in ("page", "size") if name in rest}


async def jobs(
    session: Session, filters: Filters | FiltersDict | Mapping[str, Any] | None, options: RequestOptions
) -> list[Job[Any]]:
    """The requested page, or all pages."""
    if isinstance(filters, RawQuery):
        return await session.call(LIST_JOBS, query=filters, options=options)
    page = dict[str, Any]()
    if not isinstance(filters, Filters):
        filters, page = _split(filters)
    filters = read_filters(filters)
    if page:
        query = filters.model_dump(by_alias=True, exclude_none=True) | page
        return await session.call(LIST_JOBS, query=query, options=options)
    pages = JobPages(session, filters, PAGE_SIZE, options)
    jobs = list[Job[Any]]()
    while (found := await pages.next()) is not None:
        jobs += found
    return jobs


async def workflows(
    session: Session, filters: Mapping[str, Any] | None, options: RequestOptions
) -> WorkflowList:
    """The requested page, or all pages."""
    page: Mapping[str, Any] = filters if isinstance(filters, RawQuery) else _page_of_workflows(filters)
    if page or isinstance(filters, RawQuery):
        return WorkflowList(workflows=await session.call(LIST_WORKFLOWS, query=page, options=options))
    return WorkflowList(workflows=await list_workflows(session, options))


def _page_of_workflows(filters: Mapping[str, Any] | None) -> dict[str, Any]:
    rest, page = _split(filters)
    if rest:
        raise InputError(f"workflows have no filter {next(iter(rest))!r}, only page and size")
    return page


def names(files: Mapping[str, Any]) -> list[str]:
    """The paths of downloaded files, as 1.0 returns them."""
    return [str(path) for path in files.values()]
