"""What a page says of a ledger that nothing else asks for."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.ledger.view import LedgerView

Listed: TypeAlias = tuple[
    int,  # the track's place in the order in which they were seen, with gaps
    State,
    str,  # source
    str | None,  # parameters; None if there are none, or all tracks have the same
    str,  # folder
    str | None,  # job
    int,  # attempts
    State | None,  # where a retry goes on
    str | None,  # the error's code
    str | None,  # and its message
    float | None,  # seconds at the service
    str,  # the output's name; empty for the whole result
    str | None,  # its path; None if there are no outputs
    int,  # its size
]
"""A track with one of its outputs, as `_LISTED` gives them: a page may have a million, and named ones cost twice the
time."""

Span: TypeAlias = tuple[float | None, float | None]
"""From when to when, in seconds since 1970; None if nothing has happened."""

_LISTED = """SELECT tracks.rowid, state, source, nullif(params, ?), folder, job_id, attempts, resume_at, error_code,
    error_message, round(max(finished_at - created_at, 0), 1), name, path, outputs.size
    FROM tracks LEFT JOIN outputs ON outputs.track = tracks.key ORDER BY tracks.rowid, name"""
_COPIES = """SELECT tracks.rowid, inputs.source
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

    def span(self) -> Span:
        """When the first track was seen, and when the latest got its results or failed; seconds since 1970."""
        found: Span = self._db.execute(_SPAN).fetchone()
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
        rows: Iterator[Listed] = self._db.execute(_LISTED, [self.common_params() or "{}"])
        return (list(group) for _, group in groupby(rows, itemgetter(0)))

    def copies(self) -> Iterator[tuple[int, str]]:
        """Inputs with the content of another one that stands for both: the track's number and the input's source.

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
