"""The conditions that a seed determines: quirks of the service, faults of the network, behaviour and kills of callers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from musicai_sdk.sandbox.faults.quirks import Quirks
from simulation.io import Network
from simulation.service import Traffic

IN_FLIGHT = 0.5
"""The most seconds, without quirks, from the POST of a killed program until its job is listed."""

_METADATA: Final = ("kept", "kept", "dropped", "null", "stringified", "strings", "truncated")


@dataclass(frozen=True)
class Conditions:
    """Everything that is the same for a whole world."""

    quirks: Quirks
    network: Network
    traffic: Traffic
    kills: float
    """The share of programs that are killed."""
    cancels: float
    """The share that are cancelled."""
    settle: float
    """The `settle=` that callers pass, in seconds, if the client knows it."""
    gap: float
    """The least number of seconds before callers restart."""
    job_seconds: tuple[float, float]
    failing: float
    """The share of jobs that fail."""

    @property
    def slowest(self) -> float:
        """The most seconds from sending a POST until its job is listed."""
        return self.network.latest + self.quirks.list_lag + IN_FLIGHT

    @property
    def echoed(self) -> bool:
        """Whether lists show the idempotency key of a job."""
        kept = self.quirks.metadata in ("kept", "strings") and not self.quirks.odd_fields
        return kept and self.quirks.list_view in ("full", "no_results")

    @property
    def quiet(self) -> bool:
        """Whether there are no faults and no other programs, so that every call must succeed."""
        undisturbed = not self.traffic.creates and not self.traffic.deletes
        return self.echoed and undisturbed and not (self.network.share or self.kills or self.cancels)

    def inside(self) -> bool:
        """Whether callers fulfil the requirements in the documentation."""
        return self.echoed and self.slowest <= self.gap + self.settle


def drawn(draw: random.Random) -> Conditions:
    """Returns the conditions of one world."""
    usual = draw.random() < 0.6
    quirks = Quirks(
        page_limit=draw.choice((None, None, None, 3)),
        list_lag=draw.choice((0.0, 0.0, draw.uniform(0, 1.5))),
        list_order=draw.choice(("newest", "newest", "oldest", "shuffled")),
        list_envelope=draw.choice(("array", "array", "array", "object")),
        list_view="full" if usual else draw.choice(("full", "no_results", "no_metadata", "brief")),
        workflow_filter=draw.choice(("slug", "slug", "name", "ignored")),
        metadata="kept" if usual else draw.choice(_METADATA),
        odd_fields=not usual and draw.random() < 0.1,
        delete_status=draw.choice((200, 200, 202, 204)),
    )
    # Mostly short: long times walk the list repeatedly, and find no more than other seeds.
    latest = draw.choice((0.0,) * 10 + (draw.uniform(0, 2),) * 8 + (draw.uniform(2, 15),) * 2)
    network = Network(share=draw.choice((0.0, 0.1, 0.3)), latest=latest)
    # On a list of a single page, other programs can't hide a job.
    busy = draw.random() < (0.6 if quirks.page_limit else 0.2)
    slowest = network.latest + quirks.list_lag + IN_FLIGHT
    patient = draw.random() < (0.7 if latest <= 2 else 0.2)
    return Conditions(
        quirks=quirks,
        network=network,
        traffic=Traffic(
            jobs_before=draw.choice((0, 4, 8) if busy else (0, 0, 1, 4)),
            creates=draw.uniform(0, 1) if busy else 0.0,
            deletes=draw.uniform(0, 1) if busy else 0.0,
        ),
        kills=draw.choice((0.0, 0.3, 0.6)),
        cancels=draw.choice((0.0, 0.2)),
        settle=slowest if patient else draw.uniform(0, slowest),
        gap=draw.choice((draw.uniform(0, 1), slowest)),
        job_seconds=draw.choice(((0.0, 1.0), (1.0, 30.0))),
        failing=draw.choice((0.0, 0.0, 0.2)),
    )
