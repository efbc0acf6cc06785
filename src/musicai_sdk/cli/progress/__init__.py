"""The progress of a run: a screen for people, lines for logs, or events for programs.

The displays work without the command too, for example in a notebook:

```python
from musicai_sdk.batch import Batch
from musicai_sdk.cli.progress.screen import Screen

with Screen() as display:
    batch = Batch("music-ai/generate-chords", "songs", "out", on_event=display)
    display.follow(lambda: batch.progress)
    report = batch.run()  # in a notebook: await batch.run_async()
```
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from musicai_sdk.cli.progress.base import Display, Several

__all__ = ["Display", "display_for"]


def display_for(*, as_json: bool) -> Display:
    """The display that suits standard output and standard error."""
    if not as_json:
        return _for_people()
    from musicai_sdk.cli.progress.ndjson import Ndjson

    if sys.stdout.isatty() or not _can_draw():
        return Ndjson()  # a second display would repeat the events
    return Several(Ndjson(), _for_people())


def _for_people() -> Display:
    if _can_draw():
        from musicai_sdk.cli.progress.screen import Screen

        return Screen()
    from musicai_sdk.cli.progress.lines import Lines

    return Lines()


def _can_draw() -> bool:
    """Whether standard error is a terminal whose lines can be redrawn."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and find_spec("rich") is not None
