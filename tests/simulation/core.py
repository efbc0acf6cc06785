"""One seed of the client core: a world, its callers, and what was found wrong with them."""

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
    """What became of one seed."""

    seed: int
    violations: list[str]
    """What mustn't be, in words."""
    conditions: Conditions
    inside: bool
    """Whether the callers kept to what the documentation asks of them."""
    paid: int
    """Jobs that were paid for."""
    duplicates: int
    """Jobs that were paid for under a key that had one. Outside of what is documented they are no violation."""
    seconds: float
    """Simulated time."""
    trace: list[str] = field(default_factory=list[str])
    """What happened, if that was asked for."""


def run(seed: int, *, traced: bool = False) -> Report:
    """Runs a seed; the same one always goes the same way."""
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
    """Lets everything happen; returns what went wrong with the simulation itself or with what it waited for."""
    try:
        sim.world.run()
    except NeverEndsError as error:
        return [f"a call never ends: {error}"]
    ends = [(program.name, program.end) for program in sim.programs]
    hanging = [f"{name} waits for ever" for name, end in ends if end is None]
    # Callers never raise: what comes out of them is a mistake in here.
    for name, end in ends:
        if end is not None and end.error is not None and end.error not in sim.errors:
            end.error.add_note(f"in {name} of seed {sim.world.seed}")
            raise end.error
    return hanging
