"""Open sets of values: those that the service documents, and whatever it may send one day."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Unknown(str):
    """A value that this version of the package doesn't know; it is the string that the server sent.

    `Literal[...] | Unknown` narrows in type checkers, completes in editors, and never breaks on a new value.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Any string becomes an `Unknown`; in a union the known values are tried first."""
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


JobStatus: TypeAlias = Literal["QUEUED", "STARTED", "SUCCEEDED", "FAILED"] | Unknown
"""Where a job is: `QUEUED` → `STARTED` → `SUCCEEDED` or `FAILED` (source: the official reference and clients).

A status that appears one day arrives as `Unknown` and counts as "not finished yet".
"""

KNOWN_STATUSES: tuple[str, ...] = ("QUEUED", "STARTED", "SUCCEEDED", "FAILED")
"""The documented statuses."""

FINAL_STATUSES: tuple[str, ...] = ("SUCCEEDED", "FAILED")
"""The statuses that never change again."""
