"""What is seen of a run while it goes on: a screen for people, lines for logs, or events for programs.

The same displays work without the command, in a notebook too:

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
    """The display that fits where standard output and standard error go."""
    if not as_json:
        return _for_people()
    from musicai_sdk.cli.progress.ndjson import Ndjson

    if sys.stdout.isatty() or not _draws():
        return Ndjson()  # who reads the events needs no second account of them
    return Several(Ndjson(), _for_people())


def _for_people() -> Display:
    if _draws():
        from musicai_sdk.cli.progress.screen import Screen

        return Screen()
    from musicai_sdk.cli.progress.lines import Lines

    return Lines()


def _draws() -> bool:
    """Whether standard error is a terminal on which a line can be drawn again."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and find_spec("rich") is not None
