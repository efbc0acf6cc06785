"""The options of a sandbox, and the limits of the service's plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from musicai_sdk.sandbox.ids import Ids

if TYPE_CHECKING:
    from pathlib import Path

    from musicai_sdk.sandbox.api.transition import Transition

PLANS: Final = {"payg": 2, "professional": 10}
"""Concurrent jobs by plan (source: one third party)."""
PAYG_RETENTION: Final = 48 * 3600.0
"""How long the plan `payg` keeps files, in seconds; the other plans never delete them (source: one third party)."""


@dataclass(frozen=True, kw_only=True)
class SandboxOptions:
    """The arguments of `Sandbox`, which describes them.

    Raises:
        ValueError: an option is out of its range.
    """

    port: int
    tls: bool
    data_dir: Path | None
    slots: int
    seed: int | None
    host: str
    api_key: str | None
    url_ttl: float | None
    retention: float | None
    transition: Transition | None

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, or 0 for any free one; got {self.port!r}")
        key = self.api_key
        if key is not None and not (key.isascii() and key.isprintable() and key and " " not in key):
            raise ValueError("api_key must be printable ASCII without spaces: clients refuse anything else")
        if key is not None and key.lower().startswith("bearer"):
            raise ValueError(
                "api_key can't begin with 'Bearer': clients refuse that, because the service takes the key alone"
            )
        if self.url_ttl is not None and self.url_ttl <= 0:
            raise ValueError(f"url_ttl must be a number of seconds above 0; got {self.url_ttl!r}")
        if self.retention is not None and self.retention <= 0:
            raise ValueError(f"retention must be a number of seconds above 0; got {self.retention!r}")

    def ids(self, purpose: str, starts: int) -> Ids:
        """Returns a generator of ids. After a restart it generates other ones: the first are taken."""
        return Ids(None if self.seed is None else f"{self.seed}/{purpose}/{starts}")


def slots_of(plan: int | str) -> int:
    """Returns how many jobs a plan runs at once.

    Raises:
        ValueError: there is no such plan.
    """
    slots = PLANS.get(plan, 0) if isinstance(plan, str) else plan
    if slots < 1:
        raise ValueError(f"plan must be a number of jobs from 1, or one of {', '.join(PLANS)}; got {plan!r}")
    return slots


def retention_of(plan: int | str) -> float | None:
    """Returns how long a plan keeps files, in seconds; None for ever."""
    return PAYG_RETENTION if plan == "payg" else None
