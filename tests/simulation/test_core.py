"""The client core in simulated time: seeds that once broke a rule, and a few thousand others."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.core import Report, run

SEEDS = Path(__file__).parent / "seeds.txt"
MANY = 2_000


def known_seeds(simulation: str) -> list[int]:
    lines = [line.partition("#")[0].split() for line in SEEDS.read_text().splitlines()]
    return [int(line[1]) for line in lines if line and line[0] == simulation]


@pytest.mark.parametrize("seed", known_seeds("core"))
def test_seeds_that_once_broke_a_rule(seed: int) -> None:
    assert run(seed).violations == []


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    return [run(seed) for seed in range(MANY)]


def test_seeds(reports: list[Report]) -> None:
    broken = {report.seed: report.violations for report in reports if report.violations}
    assert not broken, "replay one with scripts/simulate --seed"


def test_the_seeds_cover_the_interesting_events(reports: list[Report]) -> None:
    assert 0.3 < sum(report.inside for report in reports) / MANY < 0.9
    assert sum(report.paid for report in reports) > MANY
    conditions = [report.conditions for report in reports]
    assert sum(each.network.latest > 0 for each in conditions) > MANY / 4
    assert sum(each.kills > 0 for each in conditions) > MANY / 2
    assert {each.quirks.list_order for each in conditions} == {"newest", "oldest", "shuffled"}
