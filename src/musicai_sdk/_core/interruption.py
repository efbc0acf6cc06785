"""What to do after an interruption: Ctrl-C, a cancelled task or `asyncio.timeout` in a call that costs money."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def noted(*notes: str) -> Generator[None]:
    """Adds notes to what interrupts the block; errors, which have texts of their own, pass as they are."""
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
    """How to go on with a job that exists."""
    return (
        f"job {job_id} goes on and is charged: client.jobs.wait({job_id!r}) waits for it,"
        f" client.jobs.delete({job_id!r}) gives it up"
    )
