"""The exceptions that end the work on a job."""

from __future__ import annotations


class WorkflowFailure(Exception):  # noqa: N818 - it ends one job, not the program
    """Ends a job as FAILED; the three texts become the job's `error` object."""

    def __init__(self, code: str, title: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.title = title
        self.message = message


class JobDropped(Exception):  # noqa: N818 - it ends the work on a job, and isn't an error
    """The job was deleted or the sandbox is stopping: nobody waits for the outcome."""


def bad_input(message: str) -> WorkflowFailure:
    """Returns the failure of a job whose input is missing, unreachable or unreadable."""
    return WorkflowFailure("BAD_INPUT", "Invalid input", message)
