"""Arguments that several methods share: `progress=`, and misplaced ones, whose error shows the right call."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, cast

from musicai_sdk import _core

if TYPE_CHECKING:
    from musicai_sdk._core.arguments import OnUpdate, Progress

F = TypeVar("F", bound=Callable[..., Any])


def explain_misplaced(method: F) -> F:
    """Replaces Python's error for too many positional arguments. Type checkers see the unchanged signature."""
    most = method.__code__.co_argcount

    def check(given: tuple[object, ...]) -> None:
        if len(given) > most:
            _core.create.workflow_of(method.__name__, *given[1:])  # raises

    @wraps(method)
    async def asynchronous(*given: Any, **named: Any) -> Any:
        check(given)
        return await method(*given, **named)

    @wraps(method)
    def synchronous(*given: Any, **named: Any) -> Any:
        check(given)
        return method(*given, **named)

    wrapper: Any = asynchronous if inspect.iscoroutinefunction(method) else synchronous
    checked: F = wrapper
    return checked


class Display(Protocol):
    """What a call shows, between `with` and its end."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def file(self, name: str, /, then: Progress | None) -> Progress | None:
        """The `on_progress` of one file."""
        ...

    def update(self, then: OnUpdate | None) -> OnUpdate | None:
        """The `on_update` of the jobs."""
        ...


class _Nothing:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def file(self, _name: str, /, then: Progress | None) -> Progress | None:
        return then

    def update(self, then: OnUpdate | None) -> OnUpdate | None:
        return then


def shown(progress: bool | None) -> Display:  # noqa: FBT001 - as the methods' argument
    """The display that the argument `progress` of a method asks for.

    Raises:
        InputError: the argument is neither True, False nor None.
    """
    if progress is False:
        return _Nothing()
    from musicai_sdk._progress import ShownCall, is_wanted  # here: few programs need it

    return ShownCall() if is_wanted(progress) else _Nothing()


def name_of(source: object) -> str:
    """The name of a file to upload, for a display."""
    path = getattr(source, "name", None) if hasattr(source, "read") else source
    with suppress(TypeError):  # a path-like without a path, which the upload will refuse
        if isinstance(path, str | os.PathLike):
            return os.path.basename(os.fsdecode(cast("str | os.PathLike[str]", path)))  # noqa: PTH119 - perhaps bytes
    return "upload"
