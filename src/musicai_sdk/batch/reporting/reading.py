"""What a page says of a ledger that nothing else asks for."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from musicai_sdk.batch.records import LedgerView
from musicai_sdk.batch.tracks import State


class Listed(NamedTuple):
    """An output with its track, as little of them as a list shows: whole `Track`s cost twice the time."""

    key: str
    state: State
    source: str
    params: str
    folder: str
    job_id: str | None
    attempts: int
    resume_at: State | None
    error_code: str | None
    error_message: str | None
    took: float | None
    """Seconds at the service."""
    name: str
    """The output's; empty for the whole result."""
    path: str | None
    """None if there are no outputs."""
    size: int


_COLUMNS = ", ".join(f"tracks.{name}" for name in Listed._fields[:-4])
_LISTED = f"""SELECT {_COLUMNS}, round(max(finished_at - created_at, 0), 1), name, path, outputs.size
    FROM tracks LEFT JOIN outputs ON outputs.track = tracks.key ORDER BY tracks.rowid, name"""  # noqa: S608 - no input
_COPIES = """SELECT tracks.key, inputs.source
    FROM (SELECT track FROM inputs GROUP BY track HAVING count(*) > 1) AS several
    JOIN tracks ON tracks.key = several.track JOIN inputs ON inputs.track = several.track
    WHERE inputs.source <> tracks.source ORDER BY tracks.rowid, inputs.source"""
_SPAN = "SELECT min(seen_at), max(max(seen_at, coalesce(verified_at, 0), coalesce(ended_at, 0))) FROM tracks"


class ReportView(LedgerView):
    """A ledger for a page."""

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """A block in which the ledger stands still for this reader, whatever a run writes meanwhile."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def span(self) -> tuple[float | None, float | None]:
        """When the first track was seen, and when the latest got its results or failed; seconds since 1970."""
        found: tuple[float | None, float | None] = self._db.execute(_SPAN).fetchone()
        return found

    def input_count(self) -> int:
        """How many inputs there are; several with one content are one track."""
        return self._count("inputs")

    def output_count(self) -> int:
        """How many files the tracks have given."""
        return self._count("outputs")

    def root(self) -> str:
        """The folder or address that all inputs are in, with its last slash; empty if there is none."""
        first: str | None = self._db.execute("SELECT min(source) FROM inputs").fetchone()[0]
        last: str | None = self._db.execute("SELECT max(source) FROM inputs").fetchone()[0]
        if first is None or last is None:
            return ""
        # What the least and the greatest begin with, all between them do.
        pairs = enumerate(zip(first, last, strict=False))
        common = first[: next((at for at, (one, other) in pairs if one != other), len(first))]
        if "://" in common and any(mark in common for mark in "?#@"):
            return ""
        found = common[: max(common.rfind("/"), common.rfind(os.sep)) + 1]
        return found if not found.endswith("://") else ""

    def common_params(self) -> str | None:
        """The parameters that all tracks have, as JSON; None if they differ."""
        rows: list[tuple[str]] = self._db.execute("SELECT DISTINCT params FROM tracks LIMIT 2").fetchall()
        return rows[0][0] if len(rows) == 1 else None

    def listed(self) -> Iterator[list[Listed]]:
        """The outputs of every track, in the order in which the tracks were seen; one without a path if there are none."""
        rows = map(Listed._make, self._db.execute(_LISTED))
        return (list(group) for _, group in groupby(rows, itemgetter(0)))

    def copies(self) -> Iterator[tuple[str, str]]:
        """Inputs with the content of another one that stands for both: the track's key and the input's source.

        They come in the order of `listed`.
        """
        yield from self._db.execute(_COPIES)

    def _count(self, table: str) -> int:
        found: int = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        return found


def as_params(text: str | None) -> dict[str, Any]:
    """Parameters by wire name."""
    found: dict[str, Any] = json.loads(text or "{}")
    return found
