"""One seed of the client core: a world, its callers, and the violations found."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from simulation.conditions import Conditions, drawn
from simulation.invariants import duplicates, violations
from simulation.scenarios import SCENARIOS, Simulation
from simulation.service import Service
from simulation.world import NeverEndsError, Process, World, seeded


@dataclass(frozen=True)
class Report:
    """The outcome of one seed."""

    seed: int
    violations: list[str]
    """The violated rules, in words."""
    conditions: Conditions
    inside: bool
    """Whether the callers fulfilled the requirements in the documentation."""
    paid: int
    """Jobs that were paid for."""
    duplicates: int
    """Paid jobs under a key that had one already. If `inside` is false, they aren't violations."""
    seconds: float
    """Simulated time."""
    trace: list[str] = field(default_factory=list[str])
    """The events, if requested."""


def run(seed: int, *, traced: bool = False) -> Report:
    """Runs a seed. The outcome depends only on the seed."""
    world = World(seed, traced=traced)
    draw = world.random
    conditions = drawn(draw)
    service = Service(
        world, conditions.quirks, conditions.traffic, conditions.job_seconds, conditions.failing
    )
    sim = Simulation(world, service, conditions)
    with seeded(seed):
        for number in range(draw.choice((1, 1, 2))):
            scenario = draw.choice(SCENARIOS)
            name = f"{chr(ord('a') + number)}-{scenario.__name__}"
            _caller(sim, name, scenario(sim, name))
        found = _happened(sim)
        service.calm = True
        _caller(sim, "the end", _final_check(sim, found))
        found += _happened(sim)
        for program in sim.programs:
            program.close()
    return Report(
        seed=seed,
        violations=found,
        conditions=conditions,
        inside=conditions.inside(),
        paid=len(service.paid),
        duplicates=sum(times - 1 for _, times in duplicates(sim)),
        seconds=world.now,
        trace=world.trace or [],
    )


async def _final_check(sim: Simulation, found: list[str]) -> None:
    await sim.world.sleep(sim.conditions.slowest)
    found += await violations(sim)


def _caller(sim: Simulation, name: str, work: Coroutine[Any, Any, None]) -> None:
    sim.programs.append(Process(sim.world, name, lambda _: work))


def _happened(sim: Simulation) -> list[str]:
    """Runs all events. Returns the errors of the simulation itself, or of the tasks that it awaited."""
    try:
        sim.world.run()
    except NeverEndsError as error:
        return [f"a call never ends: {error}"]
    ends = [(program.name, program.end) for program in sim.programs]
    hanging = [f"{name} waits for ever" for name, end in ends if end is None]
    # Callers never raise, so an exception is a bug of the simulation.
    for name, end in ends:
        if end is not None and end.error is not None and end.error not in sim.errors:
            end.error.add_note(f"in {name} of seed {sim.world.seed}")
            raise end.error
    return hanging
