"""A run in one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, cast

from musicai_sdk.batch.batch import Batch
from musicai_sdk.batch.ledger.view import Report

P = ParamSpec("P")


def _arguments_of(batch: Callable[P, Batch]) -> Callable[[Callable[..., Report]], Callable[P, Report]]:
    """Gives a function the arguments of `Batch`, to readers and type checkers alike."""

    def give(function: Callable[..., Report]) -> Callable[P, Report]:
        signature = inspect.signature(batch).replace(return_annotation="Report")
        # Any function may have one; the type of callables doesn't say so.
        anything: Any = function
        anything.__signature__ = signature
        return cast("Callable[P, Report]", function)

    return give


@_arguments_of(Batch)
def run(*arguments: Any, **options: Any) -> Report:
    """Runs a batch to its end: `Batch(workflow, inputs, out, …).run()`, with the same arguments."""
    return Batch(*arguments, **options).run()
