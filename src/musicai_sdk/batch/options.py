"""The options of a run: plain data that workers on other machines also get, without the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import TYPE_CHECKING

from musicai_sdk.batch.budget import Budget
from musicai_sdk.errors import InputError
from musicai_sdk.models.result import DeclaredOutput

if TYPE_CHECKING:
    from musicai_sdk.storage import Bucket

_KINDS: Mapping[str, tuple[type, str]] = {
    "bool": (bool, "True or False"),
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
}
"""The types of options that a caller sets, by their annotation, and what they are for people."""


def check_option(name: str, value: object, annotation: str) -> None:
    """Checks the type of an option: a true string in place of False could pay again.

    Raises:
        InputError: the value has another type than the annotation, one of `_KINDS`, perhaps with `| None`, names.
    """
    plain, _, optional = annotation.partition(" | ")
    kind, words = _KINDS.get(plain, (object, ""))
    if (optional and value is None) or (
        isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    ):
        return
    if kind is not object:
        raise InputError(f"{name} must be {words}{' or None' * bool(optional)}, not {value!r:.100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The arguments of `Batch`, and values derived from them."""

    slug: str
    """The workflow's slug."""
    wire_input: str
    """The wire name of the parameter that takes the input."""
    out: str
    """The absolute path of the output folder."""
    bucket: Bucket | None = None
    """The bucket for results instead of the folder. Buckets are sent without their credentials."""
    inputs: tuple[Bucket, ...] = ()
    """Buckets with inputs whose options aren't in the environment."""
    in_flight: int = 10
    uploads: int = 4
    downloads: int = 4
    keep_jobs: bool = False
    retry_failed: bool = False
    retry_uncertain: bool = False
    adopt: bool = False
    max_attempts: int = 3
    upload_lifetime: float = 3600.0
    grace: float = 10.0
    job_timeout: float | None = 6 * 3600.0
    poll_interval: float = 10.0
    declared: tuple[DeclaredOutput, ...] = ()
    """The outputs that the workflow's class declares; empty for a slug, because accounts may have others under it."""
    budget: Budget = field(default_factory=Budget)
    """The most that the ledger may spend, over all its runs."""
    run: str = ""
    """The run that paid requests are recorded for, whichever shard sends them."""
    application: str | None = None
    """The application of the run's key. The workers' key must belong to it too."""
    base_url: str | None = None
    """The API's base URL for workers, whose environment may lack it. Their key comes only from their environment."""

    def __post_init__(self) -> None:
        """Checks the types and ranges.

        Raises:
            InputError: an option has another type, as `"false"` of a configuration file has, or is out of range.
        """
        for each in fields(self):
            check_option(each.name, getattr(self, each.name), str(each.type))
        for name in ("in_flight", "uploads", "downloads", "max_attempts"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, not {getattr(self, name)!r}")
        for name in ("upload_lifetime", "grace", "poll_interval"):
            if not getattr(self, name) >= 0:  # NaN too
                raise InputError(f"{name} must be 0 or more seconds, not {getattr(self, name)!r}")
        if self.job_timeout is not None and not self.job_timeout >= 0:
            raise InputError(f"job_timeout must be 0 or more seconds, or None, not {self.job_timeout!r}")

    @property
    def transfer_threads(self) -> int:
        """The number of threads for blocking work: uploads, the outputs of each download, digests, the ledger."""
        return self.uploads + 4 * self.downloads + 8
