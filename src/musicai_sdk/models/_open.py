"""Open sets of values: those that the service documents, and any others."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Unknown(str):
    """A value that this version of the package doesn't know, as the string that the server sent.

    Type checkers narrow `Literal[...] | Unknown`, editors complete it, and no new value breaks it.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accepts any string. In a union, pydantic tries the known values first."""
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


JobStatus: TypeAlias = Literal["QUEUED", "STARTED", "SUCCEEDED", "FAILED"] | Unknown
"""A job's status: `QUEUED` → `STARTED` → `SUCCEEDED` or `FAILED` (source: the official reference and clients).

Any other status is an `Unknown` and counts as unfinished.
"""

KNOWN_STATUSES: tuple[str, ...] = ("QUEUED", "STARTED", "SUCCEEDED", "FAILED")
"""The documented statuses."""

FINAL_STATUSES: tuple[str, ...] = ("SUCCEEDED", "FAILED")
"""The statuses that never change."""
