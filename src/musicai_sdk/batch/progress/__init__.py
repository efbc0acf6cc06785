"""The progress of a run, on standard error: pictures on a terminal or in a notebook, else plain lines.

`base` is the class of all displays, `screen` draws with rich on the canvas of `musicai_sdk._progress`, `lines` writes lines,
`phrases` and `formatting` have the words and figures, `totals` counts the inputs beforehand. `Batch` and the command use it.
"""

from __future__ import annotations

from musicai_sdk._progress import can_draw
from musicai_sdk.batch.progress.base import Display

__all__ = ["Display", "can_draw", "display_for_people"]


def display_for_people(*, final: bool = False) -> Display:
    """The display that suits standard error.

    Args:
        final: Whether plain lines end with the final figures; a picture always does.
    """
    if can_draw():
        from musicai_sdk.batch.progress.screen import Screen

        return Screen()
    from musicai_sdk.batch.progress.lines import Lines

    return Lines(final=final)
