"""Batches in simulated time: seeds that once broke a rule, and many others."""

from __future__ import annotations

import pytest

from simulation.batch import run
from simulation.core import Report
from simulation.test_core import known_seeds

MANY = 2_000
"""`scripts/simulate` runs more."""
TRACED = 100
"""The number of seeds that are checked in detail."""
TOGETHER = 20
"""Seeds in one test. Small tests distribute evenly over the workers."""


@pytest.mark.parametrize("seed", known_seeds("batch"))
def test_seeds_that_once_broke_a_rule(seed: int) -> None:
    assert run(seed).violations == []


@pytest.mark.parametrize("first", range(0, MANY, TOGETHER))
def test_seeds(first: int) -> None:
    reports = [run(seed) for seed in range(first, first + TOGETHER)]
    broken = {report.seed: report.violations for report in reports if report.violations}
    assert not broken, "replay one with scripts/simulate --only batch --seed"


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    return [run(seed, traced=True) for seed in range(TRACED)]


def test_a_seed_is_reproducible(reports: list[Report]) -> None:
    for report in reports[:5]:
        again = run(report.seed)
        assert (again.paid, again.seconds) == (report.paid, report.seconds)


def test_the_seeds_cover_the_interesting_events(reports: list[Report]) -> None:
    assert 0.5 < sum(report.inside for report in reports) / TRACED < 0.95
    assert sum(report.paid for report in reports) > TRACED
    ends = [line.split()[-1] for report in reports for line in report.trace]
    assert ends.count("killed") > TRACED
    events = [line for report in reports for line in report.trace if " late" in line and "POST" in line]
    assert events, "POSTs arrive late"
    waits = [line for report in reports for line in report.trace if " inputs wait" in line]
    assert TRACED / 10 < sum(" 0 inputs wait" not in line for line in waits) < len(waits), (
        "limits are reached"
    )
