"""When the outcome of a job is shown: at once, after a time, after some polls, or when its work is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Transition:
    """When a STARTED job shows its outcome; a poll that finds it due waits for the work to be done.

    Raises:
        ValueError: Unless exactly one of the two is given, and not negative.
    """

    seconds: float | None = None
    """So many seconds after it started, on the sandbox's clock."""
    polls: int | None = None
    """After it was seen under way so many times: by its id, its status or in a list."""

    def __post_init__(self) -> None:
        given = [number for number in (self.seconds, self.polls) if number is not None]
        if len(given) != 1 or given[0] < 0:
            raise ValueError("a transition is after seconds or after polls, from 0")

    @staticmethod
    def of(value: When) -> Transition | None:
        """Returns the transition meant; None for when the work is done.

        Raises:
            ValueError: If none is meant.
        """
        if isinstance(value, Transition):
            return value
        if value == "when-done":
            return None
        if value == "immediate":
            return Transition(polls=0)
        kind, _, number = value.partition(":")
        try:
            if kind == "after":
                return Transition(seconds=float(number))
            if kind == "polls":
                return Transition(polls=int(number))
        except ValueError:
            pass
        raise ValueError(
            f"transition is 'when-done', 'immediate', 'after:SECONDS' or 'polls:NUMBER'; got {value!r}"
        )


When: TypeAlias = Transition | str
"""`when-done`, `immediate` (the first look shows the outcome), a `Transition`, or `after:30`, `polls:3`."""
