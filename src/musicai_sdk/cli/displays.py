"""The display of a run: what `musicai_sdk.batch.progress` draws for people, and with `--json` events for programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicai_sdk.batch.progress import Display


def display_for(*, as_json: bool) -> Display:
    """The display that suits standard output and standard error."""
    from musicai_sdk.batch.progress import can_draw, display_for_people  # here: not for a client's commands

    if not as_json:
        return display_for_people()
    from musicai_sdk.batch.progress.base import Several
    from musicai_sdk.cli.ndjson import Ndjson

    if sys.stdout.isatty() or not can_draw():
        return Ndjson()  # a second display would repeat the events
    return Several(Ndjson(), display_for_people())
