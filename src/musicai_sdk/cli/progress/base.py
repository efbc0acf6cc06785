"""What every display has in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from musicai_sdk.batch import Event, Progress


class Display(Protocol):
    """Shows a run. It is the run's `on_event`, and may look at its progress from any thread."""

    def __call__(self, event: Event) -> None:
        """Something happened."""

    def follow(self, progress: Callable[[], Progress], drain: Callable[[], object]) -> None:
        """Says where the figures are, and how the run is ended if nobody can be shown anything any more."""

    def __enter__(self) -> Self:
        """Begins to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shows the end."""


class Several:
    """Displays side by side."""

    def __init__(self, *displays: Display) -> None:
        self._displays = displays
        self._open = ExitStack()

    def __call__(self, event: Event) -> None:
        """Something happened."""
        for each in self._displays:
            each(event)

    def follow(self, progress: Callable[[], Progress], drain: Callable[[], object]) -> None:
        """Says where the figures are."""
        for each in self._displays:
            each.follow(progress, drain)

    def __enter__(self) -> Self:
        """Begins to show."""
        for each in self._displays:
            self._open.enter_context(each)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shows the end."""
        self._open.close()
