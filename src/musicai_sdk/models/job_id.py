"""The return value of the 1.0 methods `add_job` and `delete_job`."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any, Literal, SupportsIndex, cast, overload

from typing_extensions import override


class JobId(str):
    """A job's id: a plain string whose `["id"]` is the string itself.

    The 1.0 package documents that `add_job` returns a string. In fact it returns `{"id": …}`, and its quick start uses
    `["id"]`. This class supports both: `["id"]`, `.get("id")`, `"id" in`, `.keys()`, `.values()`, `.items()` and
    `dict()` work as with that dictionary. Iteration, `len` and `json.dumps` work as with the string.
    """

    __slots__ = ()

    @overload
    def __getitem__(self, key: Literal["id"]) -> str: ...
    @overload
    def __getitem__(self, key: SupportsIndex | slice) -> str: ...
    # `str` also has an overload for literal strings, whose slices are literals. Slices of an id are plain strings.
    @override
    def __getitem__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, key: str | SupportsIndex | slice
    ) -> str:
        if isinstance(key, str):
            if key == "id":
                return str(self)
            raise KeyError(key)
        return super().__getitem__(key)

    @override
    def __contains__(self, key: object, /) -> bool:
        """Whether `key` is `"id"` or a part of the id."""
        return key == "id" or super().__contains__(cast("str", key))

    def get(self, key: str, default: Any = None) -> Any:
        """The id for `"id"`, `default` for everything else."""
        return str(self) if key == "id" else default

    def keys(self) -> KeysView[Literal["id"]]:
        """The only key, `"id"`."""
        return self._as_dict().keys()

    def values(self) -> ValuesView[str]:
        """The only value, the id."""
        return self._as_dict().values()

    def items(self) -> ItemsView[Literal["id"], str]:
        """The only item, `"id"` and the id."""
        return self._as_dict().items()

    def _as_dict(self) -> dict[Literal["id"], str]:
        return {"id": str(self)}
