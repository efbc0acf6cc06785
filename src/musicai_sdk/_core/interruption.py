"""Notes about paid jobs on whatever interrupts a call: Ctrl-C, a cancelled task, a callback's or a signal's exception."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager

from musicai_sdk.errors import MusicAiError


@contextmanager
def note_interruption(*notes: str, jobs: Collection[str] = ()) -> Generator[None]:
    """Adds notes to an exception that interrupts the block.

    The errors of this package say themselves what to do. Those that name none of the given jobs get the notes as well.
    """
    try:
        yield
    except BaseException as interruption:
        told = isinstance(interruption, MusicAiError)
        if told and (not jobs or any(each in str(interruption) for each in jobs)):
            raise
        for note in notes:
            if note not in getattr(interruption, "__notes__", ()):
                interruption.add_note(note)
        raise


def job_note(job_id: str) -> str:
    """A note about a job that exists."""
    return (
        f"job {job_id} continues and is charged: client.jobs.wait({job_id!r}) waits for it,"
        f" client.jobs.delete({job_id!r}) deletes it"
    )
