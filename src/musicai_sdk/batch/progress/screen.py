"""The screen: a bar, the figures, and a line for each track in flight, redrawn by rich."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from musicai_sdk._progress import Canvas
from musicai_sdk.batch.progress.base import Display
from musicai_sdk.batch.progress.formatting import duration, short_path, shortened
from musicai_sdk.batch.progress.phrases import activity, count, figures, message_for, settled

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, InFlight, Progress

_LINES = 12
"""Most tracks with a line of their own."""
_AROUND = 6
"""Lines of the terminal for everything else."""
_BAR = 40
_MARGIN = 4


class Frame:
    """The picture of a run at one moment."""

    def __init__(self, progress: Progress, now: float) -> None:
        self._progress = progress
        self._now = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws as many tracks as fit on the terminal."""
        progress = self._progress
        yield self._bar()
        line = Text("  " + " · ".join(figures(progress)), style="dim")
        # The terminal writes `^C` at the end of a line: without room for it, all lines move.
        line.truncate(options.max_width - _MARGIN, overflow="ellipsis")
        yield line
        height = options.height or console.height
        room = max(0, min(_LINES, height - _AROUND))
        rows = progress.active[:room]
        if rows:
            yield self._tracks(rows, options.max_width)
        if len(progress.active) > len(rows) > 0:
            yield Text(f"  and {len(progress.active) - len(rows):,} more", style="dim")

    def _bar(self) -> RenderableType:
        progress = self._progress
        line = Table.grid(padding=(0, 1))
        total = max(progress.known, 1)
        done = settled(progress)
        ended = progress.complete and done >= progress.known
        bar = ProgressBar(
            total=total,
            completed=done if progress.known else 0,
            width=_BAR,
            complete_style="cyan",
            finished_style="green" if ended else "cyan",
        )
        cells: list[RenderableType] = [
            bar,
            Text(f"{100 * done // total if progress.known else 0} %"),
            Text(count(progress), style="bold"),
        ]
        if progress.failed:
            cells.append(Text(f"{progress.failed:,} failed", style="bold red"))
        for _ in cells:
            line.add_column(no_wrap=True)
        line.add_row(*cells)
        return line

    def _tracks(self, rows: tuple[InFlight, ...], width: int) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(justify="right", style="dim", no_wrap=True)
        table.add_column(no_wrap=True)
        longest = max(10, width - 40)
        for each in rows:
            share = f"  {100 * each.moved // each.total} %" if each.total else ""
            table.add_row(
                "",
                activity(each.state),
                duration(max(0.0, self._now - each.since)),
                Text(shortened(short_path(each.source), longest) + share),
            )
        return table


class Screen(Display):
    """Draws a run on a terminal or in a notebook. `NO_COLOR` switches colours off."""

    def __init__(self, console: Console | None = None) -> None:
        """Draws on standard error, or in the cell of a notebook, unless a console is given."""
        super().__init__()
        self._drained = False
        self._canvas = Canvas(self._frame, console)

    @override
    def __call__(self, event: Event) -> None:
        """Writes what a person should know at once, above the bar."""
        if (found := message_for(event, drained=self._drained)) is not None:
            bad, text = found
            self._canvas.write(text, "red" if bad else "yellow")
        self._drained = self._drained or event.kind == "draining"

    @override
    def start(self) -> None:
        """Starts to draw."""
        self._canvas.start()

    @override
    def close(self) -> None:
        """Draws the final picture, which stays."""
        self._canvas.close()

    def _frame(self) -> RenderableType:
        return Group(Frame(self._progress(), time.time())) if self._progress is not None else Text("")
