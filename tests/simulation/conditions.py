"""What a seed draws: how odd the service is, how bad the network, how patient and how unlucky the callers are."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from musicai_sdk.sandbox.faults.quirks import Quirks
from simulation.io import Network
from simulation.service import Traffic

IN_FLIGHT = 0.5
"""Seconds that a request of a killed program, its action and the list take together at most where nothing is odd."""

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
    """How many seconds callers wait at least before they start again."""
    job_seconds: tuple[float, float]
    failing: float
    """The share of jobs that fail."""

    @property
    def slowest(self) -> float:
        """How many seconds after it was sent a POST is listed at the latest."""
        return self.network.latest + self.quirks.list_lag + IN_FLIGHT

    @property
    def echoed(self) -> bool:
        """Whether lists show the token under which a job was created."""
        kept = self.quirks.metadata in ("kept", "strings") and not self.quirks.odd_fields
        return kept and self.quirks.list_view in ("full", "no_results")

    @property
    def quiet(self) -> bool:
        """Whether nothing goes wrong, and nothing disturbs: then every call has to succeed."""
        undisturbed = not self.traffic.creates and not self.traffic.deletes
        return self.echoed and undisturbed and not (self.network.share or self.kills or self.cancels)

    def inside(self) -> bool:
        """Whether callers keep to what the documentation asks of them."""
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
    # Mostly short: who settles for long walks the list again and again, and other seeds see as much.
    latest = draw.choice((0.0,) * 10 + (draw.uniform(0, 2),) * 8 + (draw.uniform(2, 15),) * 2)
    network = Network(share=draw.choice((0.0, 0.1, 0.3)), latest=latest)
    # On pages that are all one, what others do hides nothing.
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
