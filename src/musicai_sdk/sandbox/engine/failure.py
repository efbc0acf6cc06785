"""How a workflow function ends a job as FAILED."""

from __future__ import annotations


class WorkflowFailure(Exception):  # noqa: N818 - it ends one job, not the program
    """Ends a job as FAILED; the three texts become the job's `error` object."""

    def __init__(self, code: str, title: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.title = title
        self.message = message


def bad_input(message: str) -> WorkflowFailure:
    """The failure of a job whose input is missing, unreachable or unreadable."""
    return WorkflowFailure("BAD_INPUT", "Invalid input", message)
