"""What must be true in the end, whatever happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

from musicai_sdk.models.job import Job
from simulation.scenarios import Simulation


async def violations(sim: Simulation) -> list[str]:
    """Compares what callers were told with what the service knows, when nothing happens any more.

    Always: no call raises anything but an error of the package's, or returns another job than asked for; only
    what callers wanted deleted was deleted; every job that was paid was returned, or `find` has it, or an error carries
    its token. The one exception is a program that was killed while only it knew the token. And no client sends a key
    again whose answer it has lost.

    Where nothing goes wrong (`Conditions.quiet`): every call succeeds.

    Where callers keep to the documentation (`Conditions.inside`): no two jobs under one key.
    """
    found = list(sim.wrong)
    if sim.conditions.inside():
        found += [f"{times} jobs were paid for under {key!r}" for key, times in duplicates(sim)]
    by_client = Counter((paid.client, paid.key) for paid in sim.service.paid)
    found += [f"{client} paid for {n} jobs under {key!r}" for (client, key), n in by_client.items() if n > 1]
    unasked = set(sim.service.deleted) - sim.asked_to_delete
    found += [f"job {job_id} was deleted, and nobody asked for that" for job_id in unasked]
    found += [line async for line in _lost(sim)]
    return found


def duplicates(sim: Simulation) -> Iterator[tuple[str, int]]:
    """Each key under which more than one job was paid for."""
    for key, times in Counter(paid.key for paid in sim.service.paid).items():
        if times > 1:
            yield key, times


async def _lost(sim: Simulation) -> AsyncIterator[str]:
    told = {job_id for ids in sim.returned.values() for job_id in ids}
    reports = [_report(error) for error in sim.errors]
    for key in dict.fromkeys(paid.key for paid in sim.service.paid):
        jobs = [paid for paid in sim.service.paid if paid.key == key]
        known = any(paid.id in told or paid.id in sim.service.deleted for paid in jobs)
        if known or any(paid.name in sim.killed_alone for paid in jobs):
            continue
        if any(key in report or jobs[0].id in report for report in reports):
            continue
        if key not in sim.keys:
            yield f"job {jobs[0].id} was paid for, and no error carries its token {key!r}"
        elif sim.conditions.echoed:
            found = await _found(sim, key)
            if found is None or found.id not in {paid.id for paid in jobs}:
                yield f"job {jobs[0].id} was paid for, and find({key!r}) returns {found and found.id}"


async def _found(sim: Simulation, key: str) -> Job[Any] | None:
    return (await sim.program(f"find {key}", lambda jobs: jobs.find(key), calm=True)).value


def _report(error: BaseException) -> str:
    """Returns everything that an error tells its caller."""
    notes: list[str] = getattr(error, "__notes__", [])
    return " ".join((str(error), *notes, *(str(value) for value in vars(error).values())))
