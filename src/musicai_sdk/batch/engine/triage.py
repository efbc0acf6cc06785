"""Finished inputs among many: only the others cost a task. Used by runs in this process and by those with shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from musicai_sdk.batch.engine.decide import Standing, decide
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.presence import ResultCheck


@dataclass(slots=True)
class Triage:
    """Inputs to process, and how many are skipped."""

    todo: list[InputRow] = field(default_factory=list[InputRow])
    skipped: int = 0
    missing: int = 0
    """How many of those skipped lack their results."""


def finished_keys(items: Sequence[InputRow], options: RunOptions) -> list[str]:
    """The tracks, by key, of inputs that a run skips if their results are still stored."""
    return [
        item.key
        for item in items
        if item.key and item.state and decide(Standing(item.state), options, in_inputs=True) == "skip"
    ]


def triage(
    items: Sequence[InputRow],
    finished: Sequence[str],
    missing: Mapping[str, str],
    options: RunOptions,
    results: ResultCheck,
) -> Triage:
    """Separates inputs to process from those that are skipped, and reports skipped ones that lack their results.

    Args:
        items: Inputs that the ledger has admitted.
        finished: What `finished_keys` returned for them.
        missing: Those of the finished tracks that lack their results, each with the reason.
        options: The run's options.
        results: Keeps the damage for the report.
    """
    found, known = Triage(), {*finished}
    for item in items:
        lost = missing.get(item.key or "")
        if (
            item.key not in known
            or item.state is None
            or decide(Standing(item.state), options, in_inputs=True, missing=lost is not None) == "go_on"
        ):
            found.todo.append(item)
        else:
            found.skipped += 1
            if lost is not None:
                found.missing += 1
                results.report(item.key or "", lost)
    return found
