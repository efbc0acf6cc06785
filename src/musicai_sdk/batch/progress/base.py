"""The base class of all displays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from typing_extensions import override

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, Progress


class Display:
    """Shows a run between `with` and its end. It is the run's `on_event`, and may read its progress from any thread."""

    def __init__(self) -> None:
        self._progress: Callable[[], Progress] | None = None
        self._drain: Callable[[], object] | None = None

    def __call__(self, event: Event) -> None:
        """Receives an event."""

    def follow(self, progress: Callable[[], Progress], drain: Callable[[], object] | None = None) -> None:
        """Sets the source of the figures, and the function that drains the run if the output is closed."""
        self._progress = progress
        self._drain = drain

    def start(self) -> None:
        """Starts the display."""

    def close(self) -> None:
        """Ends the display."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Several(Display):
    """Displays side by side."""

    def __init__(self, *displays: Display) -> None:
        super().__init__()
        self._displays = displays

    @override
    def __call__(self, event: Event) -> None:
        """Passes an event to each display."""
        for each in self._displays:
            each(event)

    @override
    def follow(self, progress: Callable[[], Progress], drain: Callable[[], object] | None = None) -> None:
        for each in self._displays:
            each.follow(progress, drain)

    @override
    def start(self) -> None:
        for each in self._displays:
            each.start()

    @override
    def close(self) -> None:
        with ExitStack() as closing:
            for each in self._displays:
                closing.callback(each.close)
