"""What `add_job` of the 1.0 surface returns."""

from __future__ import annotations

from typing import Literal, SupportsIndex, overload

from typing_extensions import override


class JobId(str):
    """A job's id: a plain string, in which `["id"]` finds itself.

    The 1.0 package documents `add_job` as returning a string and indexes the answer with `["id"]` in its quick start;
    both work.
    """

    __slots__ = ()

    @overload
    def __getitem__(self, key: Literal["id"]) -> str: ...
    @overload
    def __getitem__(self, key: SupportsIndex | slice) -> str: ...
    # str also has an overload for literal strings, whose slices are literal; those of an id are plain strings.
    @override
    def __getitem__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, key: str | SupportsIndex | slice
    ) -> str:
        if isinstance(key, str):
            if key == "id":
                return str(self)
            raise KeyError(key)
        return super().__getitem__(key)
