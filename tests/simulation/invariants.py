"""The rules that must hold at the end, whatever happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

from musicai_sdk.models.job import Job
from simulation.scenarios import Simulation


async def violations(sim: Simulation) -> list[str]:
    """Compares the results of the callers' calls with the state of the service, at the end.

    Always: calls raise only errors of the package, and return only the requested job; only jobs that callers deleted
    are gone; every paid job was returned, is found by `find`, or its key is in an error. The only exception is a program
    that was killed while only it knew the key. No client sends a key again after it has lost the answer.

    Without faults (`Conditions.quiet`): every call succeeds.

    If callers fulfil the requirements (`Conditions.inside`): no two jobs have one key.
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
    """The keys under which more than one job was paid."""
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
    """Returns all texts of an error."""
    notes: list[str] = getattr(error, "__notes__", [])
    return " ".join((str(error), *notes, *(str(value) for value in vars(error).values())))
