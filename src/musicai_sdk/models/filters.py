"""Filters of the job list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypedDict

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from musicai_sdk._text import safe_repr
from musicai_sdk.models._open import KNOWN_STATUSES, JobStatus, Unknown
from musicai_sdk.models._wire import redacted_fields

if TYPE_CHECKING:
    from musicai_sdk.models.job import Job

_SLUG = re.compile(r"[^\s/]+/[^\s/]+|[a-z0-9]+([-_][a-z0-9]+)+")
"""A workflow's slug, with or without its owner. One word alone may also be a name."""
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")


def _as_list(value: Any) -> Any:
    """Wraps a single string in a list. The official JavaScript client would send its characters as values."""
    return [value] if isinstance(value, str) else value


def _known(value: Any) -> Any:
    """Rejects a misspelt status, for which the server would return an empty list."""
    if isinstance(value, str) and not isinstance(value, Unknown) and value not in KNOWN_STATUSES:
        raise ValueError(
            f"no such status: use {', '.join(KNOWN_STATUSES)}, or Unknown({safe_repr(value)}) for a newer one"
        )
    return value


class Filters(BaseModel, frozen=True):
    """Filters of the job list. Values of one field are alternatives; all fields apply (source: official reference)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )

    status: Annotated[
        list[Annotated[JobStatus, Field(union_mode="left_to_right"), BeforeValidator(_known)]] | None,
        BeforeValidator(_as_list),
    ] = None
    """Only jobs with one of these statuses."""
    workflow: Annotated[list[str] | None, BeforeValidator(_as_list)] = None
    """Only jobs of one of these workflows, by slug; an unknown slug matches nothing."""
    batch_name: str | None = None
    """Only jobs of this batch."""

    __repr_args__ = redacted_fields


def matches(filters: Filters, job: Job[Any]) -> bool | None:
    """Whether a job matches filters; None if it doesn't show that: a field is missing, or isn't a slug.

    That a job is in a filtered list is no evidence, because a service may ignore a filter.
    """
    found = list[bool | None]()
    if filters.status:
        found.append(job.status.casefold() in {status.casefold() for status in filters.status})
    if filters.workflow:
        same = {same_workflow(slug, job.workflow) for slug in filters.workflow}
        found.append(True if True in same else None if None in same else False)
    if filters.batch_name:
        found.append(None if job.batch_name is None else job.batch_name == filters.batch_name)
    return False if False in found else None if None in found else True


def same_workflow(wanted: str, shown: object) -> bool | None:
    """Whether the workflow that a job shows is the one with this slug; None if that can't be seen.

    A job may show its version, or an id or a name in place of the slug.
    """
    if not isinstance(shown, str):
        return None
    one, other = wanted.casefold(), shown.casefold()
    if ("/" in one) != ("/" in other):
        one, other = one.rpartition("/")[2], other.rpartition("/")[2]
    if one == other:
        return True
    is_slug = shown.islower() and _SLUG.fullmatch(shown) and not _UUID.fullmatch(shown)
    return None if one.startswith(other) or other.startswith(one) or not is_slug else False


class RawQuery(dict[str, Any]):
    """A query for one page that is sent without checks, as the 1.0 package sent its filters."""


class FiltersDict(TypedDict, total=False):
    """`Filters` as a plain dictionary, the form of the 1.0 package."""

    status: JobStatus | Sequence[JobStatus] | None
    """Only jobs with this status, or with one of these."""
    workflow: str | Sequence[str] | None
    """Only jobs of this workflow, by slug, or of one of these."""
    batchName: str | None
    """Only jobs of this batch."""
