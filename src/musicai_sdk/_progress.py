"""Shows on standard error what a call does: a line for each file that it moves, and one for its jobs.

Calls that run at the same time, in threads or tasks, share one `_Board`. A terminal or a notebook gets bars, drawn by
`rich` on a `Canvas`. Everything else, and a system without `rich`, gets plain lines. `musicai_sdk.batch.progress` draws
whole runs on the same canvas.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from musicai_sdk._text import duration, printable, size
from musicai_sdk.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from musicai_sdk.models.job import JobState

_REFRESH = 5
"""Pictures per second on a terminal."""
_PAUSE = 0.5
"""Seconds between two pictures in a notebook, each of which is a message to the browser."""
_COLUMNS = 100
"""The width of a picture in a notebook."""
_KEPT = 20
"""The most lines above a picture in a notebook, and the most lines of calls that have ended."""
_SILENCE = 5.0
"""Seconds between two plain lines about unfinished work."""
_BAR = 30
_BROKEN = (OSError, ValueError, AttributeError, ImportError)
"""The errors of a closed terminal or stream, a missing stream, or a lack of file descriptors. The work continues."""
_STYLE = (
    "margin:0;padding:0;background:transparent;color:inherit;line-height:1.3;white-space:pre;overflow-x:auto;"
    "font-family:ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"
)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython: Any = sys.modules.get("IPython")  # loaded if it is a kernel
    get = getattr(ipython, "get_ipython", None)
    return get is not None and getattr(get(), "kernel", None) is not None


def is_terminal() -> bool:
    """Whether standard error is a terminal."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def can_draw() -> bool:
    """Whether standard error can show pictures that change, and `rich` can draw them."""
    screen = in_notebook() or (is_terminal() and os.environ.get("TERM") != "dumb")
    return screen and find_spec("rich") is not None


def is_wanted(progress: object) -> bool:
    """Whether to show progress: as the caller says, or with None in a terminal or a notebook.

    Raises:
        InputError: it is neither True, False nor None.
    """
    if progress is None:
        return in_notebook() or is_terminal()
    if not isinstance(progress, bool):
        raise InputError(
            f"progress must be True, False or None (in a terminal or a notebook), not {progress!r:.100}"
        )
    return progress


def write_line(text: str) -> None:
    """Writes a line to standard error, if it can be written."""
    with suppress(*_BROKEN):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


class Ticker:
    """Calls a function at intervals, in a thread with the caller's context, until it is closed."""

    def __init__(self, call: Callable[[], object], pause: Callable[[], float]) -> None:
        self._call = call
        self._pause = pause
        self._end = threading.Event()
        # A notebook finds the cell of an output by a context variable.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._repeat,), name="musicai-progress", daemon=True
        )

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and waits for it."""
        self._end.set()
        self._thread.join()

    def _repeat(self) -> None:
        while not self._end.wait(self._pause()):
            self._call()


class Canvas:
    """A picture that is drawn again and again, on a terminal or in the output of a notebook's cell."""

    def __init__(self, picture: Callable[[], RenderableType], console: Console | None = None) -> None:
        self._picture = picture
        self._console = console
        self._live: Live | None = None
        self._cell: _Cell | None = None

    def start(self) -> None:
        """Starts to draw."""
        if self._console is None and in_notebook():
            # Not by rich, which needs ipywidgets and leaves nothing in the saved notebook.
            self._cell = _Cell(self._picture)
            self._cell.start()
            return
        from rich.console import Console
        from rich.live import Live

        self._live = Live(
            get_renderable=self._picture,
            console=self._console or Console(stderr=True, highlight=False),
            refresh_per_second=_REFRESH,
            vertical_overflow="crop",
        )
        self._live.start()

    def write(self, text: str, style: str) -> None:
        """Writes a line above the picture."""
        from rich.text import Text

        if self._cell is not None:
            self._cell.write(Text(text, style=style))
        elif self._live is not None:
            with suppress(*_BROKEN):
                self._live.console.print(Text(text, style=style), soft_wrap=True)

    def close(self) -> None:
        """Draws the final picture, which stays."""
        if self._cell is not None:
            self._cell.close()
        elif self._live is not None:
            with suppress(*_BROKEN):
                self._live.stop()


class _Cell:
    """A picture in the output of a notebook's cell."""

    def __init__(self, picture: Callable[[], RenderableType]) -> None:
        self._picture = picture
        self._lines = deque[Any](maxlen=_KEPT)
        self._name = f"musicai-{os.urandom(8).hex()}"
        self._shown = dict[str, str]()
        self._ticker = Ticker(self._draw, lambda: _PAUSE)
        self._ipython: Any = import_module("IPython.display")  # without its types, which need it

    def start(self) -> None:
        self._shown = self._pictures()
        self._ipython.display(self._shown, raw=True, display_id=self._name)
        self._ticker.start()

    def write(self, line: RenderableType) -> None:
        self._lines.append(line)

    def close(self) -> None:
        self._ticker.close()
        self._draw()

    def _draw(self) -> None:
        if (pictures := self._pictures()) != self._shown:
            self._shown = pictures
            self._ipython.update_display(pictures, raw=True, display_id=self._name)

    def _pictures(self) -> dict[str, str]:
        from io import StringIO

        from rich.console import Console
        from rich.terminal_theme import TerminalTheme

        console = Console(
            record=True, file=StringIO(), width=_COLUMNS, force_jupyter=False, force_terminal=True,
            color_system="standard", highlight=False, legacy_windows=False,
        )  # fmt: skip
        for each in (*self._lines, self._picture()):
            console.print(each, soft_wrap=False)
        # Colours that can be read on a light and on a dark page: black, red, green, yellow, blue, magenta, cyan, white.
        colours = [(96, 96, 96), (217, 70, 60), (46, 148, 84), (176, 124, 16)]
        colours += [(62, 122, 210), (176, 84, 190), (22, 138, 160), (128, 128, 128)]
        theme = TerminalTheme((128, 128, 128), (118, 118, 118), colours)
        html = console.export_html(
            theme=theme, clear=False, inline_styles=True, code_format=f'<pre style="{_STYLE}">{{code}}</pre>'
        )
        return {"text/html": html, "text/plain": console.export_text().rstrip()}


@dataclass(eq=False)
class _Line:
    """One file, or the jobs of one call."""

    label: str
    began: float | None = None
    ended: float | None = None
    done: int = 0
    total: int | None = None
    note: str = ""
    unit: str = "bytes"
    failed: bool = False
    said: str = ""
    """The last plain line about it."""

    @property
    def seconds(self) -> float:
        if self.began is None:
            return 0.0
        return (self.ended if self.ended is not None else time.monotonic()) - self.began

    def begin(self) -> None:
        if self.began is None:
            self.began = time.monotonic()

    def figures(self) -> str:
        """The note, the amount and the time, as text."""
        parts = [self.note] if self.note else []
        if self.unit == "bytes" and (self.done or self.total):
            parts.append(f"{size(self.done)} of {size(self.total)}" if self.total else size(self.done))
        if self.failed and self.unit == "bytes":
            parts.append("unfinished")
        elif self.began is None:
            parts.append("waiting")
        return " · ".join([*parts, *([duration(self.seconds)] if self.began is not None else [])])


class _Board:
    """The lines of all calls that run now."""

    def __init__(self) -> None:
        self._lines = list[_Line]()
        self._lock = threading.Lock()
        self._shown: Canvas | Ticker = (
            Canvas(self._picture) if can_draw() else Ticker(self._say_unfinished, lambda: _SILENCE)
        )
        self._shown.start()

    def add(self, label: str, unit: str = "bytes") -> _Line:
        line = _Line(printable(label), unit=unit)
        with self._lock:
            ended = [each for each in self._lines if each.ended is not None]
            for each in ended[: max(0, len(self._lines) - _KEPT + 1)]:
                self._lines.remove(each)
            self._lines.append(line)
        return line

    def changed(self, line: _Line) -> None:
        """Writes a line that has ended, or whose note has changed, if no canvas shows it."""
        if isinstance(self._shown, Ticker):
            self._say(line)

    def close(self) -> None:
        self._shown.close()

    def _say_unfinished(self) -> None:
        with self._lock:
            unfinished = [each for each in self._lines if each.ended is None]
        for line in unfinished:
            self._say(line)

    def _say(self, line: _Line) -> None:
        text = f"{line.label}: {line.figures()}"
        if text != line.said:
            line.said = text
            write_line(text)

    def _picture(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1))
        for width in (None, _BAR, None):
            grid.add_column(width=width, no_wrap=True, overflow="ellipsis")
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            bar = ProgressBar(
                total=line.total or 1,
                completed=min(line.done, line.total) if line.total else int(line.ended is not None),
                width=_BAR,
                pulse=line.total is None and line.ended is None,
                complete_style="red" if line.failed else "cyan",
                finished_style="red" if line.failed else "green",
            )
            style = "red" if line.failed else "dim"
            grid.add_row(Text(line.label, style="cyan"), bar, Text(line.figures(), style=style))
        return grid


_lock = threading.Lock()
_board: _Board | None = None
_users = 0


class ShownCall:
    """What one call shows, between `with` and its end."""

    def __init__(self) -> None:
        self._lines = list[_Line]()
        self._jobs: _Line | None = None
        self._states = dict[str, str]()

    def __enter__(self) -> Self:
        global _board, _users
        with _lock:
            if _board is None:
                _board = _Board()
            _users += 1
            self._board = _board
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _board, _users
        for line in self._lines:
            if line.ended is None:
                self._end(line, failed=kind is not None)
        with _lock:
            _users -= 1
            if not _users:
                _board = None
                self._board.close()

    def file(
        self, name: str, /, then: Callable[[int, int | None], object] | None
    ) -> Callable[[int, int | None], object]:
        """The `on_progress` of a file, which also calls the caller's own."""
        line = self._board.add(name)
        self._lines.append(line)

        def progress(done: int, total: int | None) -> None:
            line.begin()
            line.done, line.total = done, total
            if total is not None and done >= total and line.ended is None:
                self._end(line)
            elif done == 0 or (total is not None and done < total):
                line.ended = None  # a new attempt
            if then is not None:
                then(done, total)

        return progress

    def update(self, then: Callable[[JobState], object] | None) -> Callable[[JobState], object]:
        """The `on_update` of a wait for one job or many, which also calls the caller's own."""

        def updated(state: JobState) -> None:
            if self._jobs is None:
                self._jobs = self._board.add("job", "jobs")
                self._lines.append(self._jobs)
            line = self._jobs
            line.begin()
            self._states[state.id] = printable(str(state.status))
            ended = sum(each in ("SUCCEEDED", "FAILED") for each in self._states.values())
            failed = sum(each == "FAILED" for each in self._states.values())
            if len(self._states) == 1:
                line.label, line.note = f"job {printable(state.id)[:8]}", self._states[state.id]
            else:
                line.label, line.done, line.total = "jobs", ended, len(self._states)
                counts = Counter(self._states.values())
                line.note = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
            if ended == len(self._states):
                self._end(line, failed=bool(failed))
            else:
                line.ended = None
                self._board.changed(line)
            if then is not None:
                then(state)

        return updated

    def _end(self, line: _Line, *, failed: bool = False) -> None:
        line.ended, line.failed = time.monotonic(), failed
        self._board.changed(line)
