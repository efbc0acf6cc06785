"""The argument `progress=`, which several methods share."""

from __future__ import annotations

import os
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar, cast

from musicai_sdk.errors import InputError

if TYPE_CHECKING:
    from musicai_sdk._core.arguments import OnUpdate, Progress


C = TypeVar("C")


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


def callback(name: str, value: C) -> C:
    """A callback, or None. Raises `InputError` for anything else, before the call begins."""
    if value is None or callable(value):
        return value
    raise InputError(f"{name} must be a function, not a {type(value).__name__}")


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
