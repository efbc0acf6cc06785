"""Separates finished inputs from the others, so that only the others need a task.

Runs with and without shards use this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from musicai_sdk.batch.engine.decide import Standing, decide
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger.states import STATES
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.presence import ResultCheck


@dataclass(slots=True)
class Triage:
    """The inputs to process, and the numbers of skipped ones."""

    todo: list[InputRow] = field(default_factory=list[InputRow])
    skipped: int = 0
    missing: int = 0
    """The number of skipped inputs whose results are missing."""


def finished_keys(items: Sequence[InputRow], options: RunOptions) -> list[str]:
    """The keys of those tracks that a run skips if their results are still stored."""
    # Once for each state: a catalogue has a hundred thousand inputs.
    skipped = {state for state in STATES if decide(Standing(state), options, in_inputs=True) == "skip"}
    return [item.key for item in items if item.key and item.state in skipped]


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
        finished: The return value of `finished_keys` for these inputs.
        missing: The finished tracks that lack their results, by key, each with the reason.
        options: The run's options.
        results: Collects the missing results for the report.
    """
    found, known = Triage(), {*finished}
    for item in items:
        lost = missing.get(item.key or "")
        if (
            item.key not in known
            or item.state is None
            or (
                lost is not None
                and decide(Standing(item.state), options, in_inputs=True, missing=True) == "continue"
            )
        ):
            found.todo.append(item)
        else:
            found.skipped += 1
            if lost is not None:
                found.missing += 1
                results.report(item.key or "", lost)
    return found
