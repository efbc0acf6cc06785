"""When a job shows its outcome: at once, after a time, after some polls, or when its work is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Transition:
    """When a STARTED job shows its outcome. A poll of a job that is due waits for its work.

    Raises:
        ValueError: both or neither of the fields are given, or one is negative.
    """

    seconds: float | None = None
    """Seconds after the start of the job, on the sandbox's clock."""
    polls: int | None = None
    """The number of polls that see the job STARTED. GETs of the job or of its status, and lists with it, count as
    polls."""

    def __post_init__(self) -> None:
        given = [number for number in (self.seconds, self.polls) if number is not None]
        if len(given) != 1 or given[0] < 0:
            raise ValueError("a transition takes either seconds or polls, from 0")

    @staticmethod
    def of(value: When) -> Transition | None:
        """Returns the transition for a value; None means that the outcome shows when the work is done.

        Raises:
            ValueError: the value isn't one of `When`.
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
            f"transition must be 'when-done', 'immediate', 'after:SECONDS' or 'polls:NUMBER'; got {value!r}"
        )


When: TypeAlias = Transition | str
"""`when-done`, `immediate` (the first poll shows the outcome), `after:30`, `polls:3`, or a `Transition`."""
