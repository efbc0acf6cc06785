"""Notes about paid jobs on interruptions: Ctrl-C, a cancelled task, `asyncio.timeout`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def note_interruption(*notes: str) -> Generator[None]:
    """Adds notes to an exception that interrupts the block, but not to errors, whose texts already say what to do."""
    try:
        yield
    except Exception:
        raise
    except BaseException as interruption:
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
