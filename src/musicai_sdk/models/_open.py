"""Open sets of values: the documented values, and any others that the service may send."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Unknown(str):
    """A value that this version of the package doesn't know, as the string that the server sent.

    With the type `Literal[...] | Unknown`, type checkers can narrow, editors can complete, and a new value isn't an
    error.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accepts any string. In a union, pydantic tries the known values first.

        A documented status in another case, or with white space, is that status: otherwise its job would never end.
        """
        return core_schema.no_info_after_validator_function(_status, core_schema.str_schema())


def _status(text: str) -> str:
    known = text.strip().upper()
    return known if known in KNOWN_STATUSES else Unknown(text)


JobStatus: TypeAlias = Literal["QUEUED", "STARTED", "SUCCEEDED", "FAILED"] | Unknown
"""A job's status: `QUEUED` → `STARTED` → `SUCCEEDED` or `FAILED` (source: the official reference and clients).

Any other status is an `Unknown` and counts as unfinished. Case doesn't matter.
"""

KNOWN_STATUSES: tuple[str, ...] = ("QUEUED", "STARTED", "SUCCEEDED", "FAILED")
"""The documented statuses."""

FINAL_STATUSES: tuple[str, ...] = ("SUCCEEDED", "FAILED")
"""The statuses that never change."""
