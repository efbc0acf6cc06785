"""Queries that only the page needs."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Literal, TypeAlias

from musicai_sdk.batch.ledger.states import State
from musicai_sdk.batch.ledger.view import LedgerView

Listed: TypeAlias = tuple[
    int,  # the track's position in the order of first sight, with gaps
    State,
    str,  # source
    str | None,  # parameters; None if there are none, or all tracks have the same
    str,  # folder
    str | None,  # job
    int,  # attempts
    State | None,  # the state that a retry continues from
    str | None,  # the error's code
    str | None,  # and its message
    float | None,  # seconds at the service
    str,  # the output's name; empty for the whole result
    str | None,  # its path; None if there are no outputs
    int,  # its size
]
"""A track with one of its outputs, as `_LISTED` selects them. A page may have a million, and named tuples take twice the
time."""

Span: TypeAlias = tuple[float | None, float | None]
"""Begin and end, in seconds since 1970; None if nothing has happened."""

_LISTED = """SELECT tracks.rowid, state, source, nullif(params, ?), folder, job_id, attempts, resume_at, error_code,
    error_message, round(max(finished_at - created_at, 0), 1), name, path, outputs.size
    FROM tracks LEFT JOIN outputs ON outputs.track = tracks.key ORDER BY tracks.rowid, name"""
_COPIES = """SELECT tracks.rowid, inputs.source
    FROM (SELECT track FROM inputs GROUP BY track HAVING count(*) > 1) AS several
    JOIN tracks ON tracks.key = several.track JOIN inputs ON inputs.track = several.track
    WHERE inputs.source <> tracks.source ORDER BY tracks.rowid, inputs.source"""
_SPAN = "SELECT min(seen_at), max(max(seen_at, coalesce(verified_at, 0), coalesce(ended_at, 0))) FROM tracks"


class ReportView(LedgerView):
    """A ledger, read for a page."""

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """A block in which this reader sees the ledger unchanged, whatever a run writes meanwhile."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def span(self) -> Span:
        """When the first track was seen, and when the latest one got its results or failed."""
        found: Span = self._db.execute(_SPAN).fetchone()
        return found

    def count(self, table: Literal["inputs", "outputs"]) -> int:
        """How many inputs, or result files, there are. Several inputs with one content are one track."""
        found: int = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        return found

    def root(self) -> str:
        """The folder or address that contains all inputs, with a slash at its end; empty if there is none."""
        # All sources between the least and the greatest begin with what these two have in common.
        ends = [self._db.execute(f"SELECT {end}(source) FROM inputs").fetchone()[0] for end in ("min", "max")]  # noqa: S608
        common = os.path.commonprefix([end or "" for end in ends])  # noqa: RUF071 - cut at a slash below
        if "://" in common and any(mark in common for mark in "?#@"):
            return ""
        found = common[: max(common.rfind("/"), common.rfind(os.sep)) + 1]
        return found if not found.endswith("://") else ""

    def common_params(self) -> str | None:
        """The parameters of all tracks, as JSON; None if they differ."""
        rows: list[tuple[str]] = self._db.execute("SELECT DISTINCT params FROM tracks LIMIT 2").fetchall()
        return rows[0][0] if len(rows) == 1 else None

    def listed(self) -> Iterator[list[Listed]]:
        """The rows of every track, one for each output, in the order of first sight; one without a path if it has no outputs."""
        rows: Iterator[Listed] = self._db.execute(_LISTED, [self.common_params() or "{}"])
        return (list(group) for _, group in groupby(rows, itemgetter(0)))

    def copies(self) -> Iterator[tuple[int, str]]:
        """Inputs with the same content as the one that names the track: the track's number and the input's source.

        They are in the order of `listed`.
        """
        yield from self._db.execute(_COPIES)
