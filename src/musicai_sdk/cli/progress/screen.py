"""The screen: a bar, the figures, and a line for what is in flight, drawn again and again by rich."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from musicai_sdk.cli.formatting import duration, place, shortened
from musicai_sdk.cli.progress.wording import DOING, count, figures, settled, told

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, InFlight, Progress

_LINES = 12
"""Tracks that get a line of their own at most."""
_AROUND = 6
"""Lines of the terminal that are left for everything else."""
_BAR = 40
_MARGIN = 4


class Frame:
    """One picture of a run."""

    def __init__(self, progress: Progress, now: float) -> None:
        self._progress = progress
        self._now = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As large as the terminal allows."""
        progress = self._progress
        yield self._bar()
        told = Text("  " + " · ".join(figures(progress)), style="dim")
        # The `^C` that a terminal writes must find room, or all lines move.
        told.truncate(options.max_width - _MARGIN, overflow="ellipsis")
        yield told
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
                DOING.get(each.state, each.state),
                duration(max(0.0, self._now - each.since)),
                Text(shortened(place(each.source), longest) + share),
            )
        return table


class Screen:
    """Draws a run on a terminal, or in the output of a notebook's cell. Colours as `NO_COLOR` wishes."""

    def __init__(self, console: Console | None = None) -> None:
        """Takes standard error unless another console is given."""
        self._console = console or Console(stderr=True, highlight=False)
        self._progress: Callable[[], Progress] | None = None
        self._drained = False
        self._live = Live(
            get_renderable=self._frame,
            console=self._console,
            refresh_per_second=5,
            vertical_overflow="crop",
        )

    def __call__(self, event: Event) -> None:
        """Writes what a person should know above the bar."""
        if (found := told(event, drained=self._drained)) is not None:
            bad, text = found
            self._console.print(Text(text, style="red" if bad else "yellow"), soft_wrap=True)
        self._drained = self._drained or event.kind == "draining"

    def follow(self, progress: Callable[[], Progress], drain: Callable[[], object] | None = None) -> None:  # noqa: ARG002
        """Says where the figures are."""
        self._progress = progress

    def __enter__(self) -> Self:
        """Begins to draw."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draws the last picture, which stays."""
        self._live.stop()

    def _frame(self) -> RenderableType:
        return Group(Frame(self._progress(), time.time())) if self._progress is not None else Text("")
