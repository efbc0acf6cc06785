"""How a run is done: everything that workers on other machines have to know too. Plain data, and never a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicai_sdk.errors import InputError
from musicai_sdk.models.result import DeclaredOutput

if TYPE_CHECKING:
    from musicai_sdk.storage import Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """See `Batch`, whose arguments these are."""

    slug: str
    wire_input: str
    out: str
    bucket: Bucket | None = None
    """Where results go instead of the folder. Buckets travel without their credentials."""
    inputs: tuple[Bucket, ...] = ()
    """The buckets that inputs are in, as far as their options aren't in the environment."""
    in_flight: int = 10
    uploads: int = 4
    downloads: int = 4
    keep_jobs: bool = False
    retry_failed: bool = False
    retry_uncertain: bool = False
    max_attempts: int = 3
    upload_lifetime: float = 3600.0
    grace: float = 10.0
    job_timeout: float | None = 6 * 3600.0
    poll_interval: float = 10.0
    declared: tuple[DeclaredOutput, ...] = ()
    """What the workflow's class says of its outputs; empty for a slug, under which an account may have others."""
    run: str = ""
    """The run that paid requests are written down for, whichever shard sends them."""
    application: str | None = None
    """The application that the run's key belongs to, for workers: theirs must belong to it too."""
    base_url: str | None = None
    """Where the API is, for workers: their environment may not say. Their key is only in their environment."""

    def __post_init__(self) -> None:
        """Names the argument that can't be right."""
        for name in ("in_flight", "uploads", "downloads", "max_attempts"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, not {getattr(self, name)!r}")
        for name in ("upload_lifetime", "grace", "poll_interval"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must be 0 or more seconds, not {getattr(self, name)!r}")
        if self.job_timeout is not None and self.job_timeout < 0:
            raise InputError(f"job_timeout must be 0 or more seconds, or None, not {self.job_timeout!r}")
