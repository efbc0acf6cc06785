"""Filters of the job list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, TypedDict

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from musicai_sdk._text import safe_repr
from musicai_sdk.models._open import KNOWN_STATUSES, JobStatus, Unknown
from musicai_sdk.models._wire import redacted_fields


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
