"""Queries for the page and its CSV file."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, TypeAlias

from musicai_sdk.batch.ledger.states import UNSETTLED, State, sql
from musicai_sdk.batch.ledger.view import LedgerView
from musicai_sdk.batch.report.format import without_queries
from musicai_sdk.batch.text import redacted

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

_SECONDS = "round(max(finished_at - created_at, 0), 1)"
_LISTED = f"""SELECT tracks.rowid, state, source, nullif(params, ?), folder, job_id, attempts, resume_at, error_code,
    error_message, {_SECONDS}, name, path, outputs.size
    FROM (SELECT rowid AS chosen FROM tracks ORDER BY state NOT IN {sql(UNSETTLED)}, rowid LIMIT ?)
    JOIN tracks ON tracks.rowid = chosen LEFT JOIN outputs ON outputs.track = tracks.key ORDER BY tracks.rowid, name"""  # noqa: S608 - names of ours


def _as_text(column: str) -> str:
    """A column as text: a spreadsheet doesn't evaluate a cell that begins with an apostrophe as a formula."""
    formula = f"substr({column}, 1, 1) IN ('=', '+', '-', '@', char(9), char(13))"
    return f"CASE WHEN {formula} THEN char(39) || {column} ELSE {column} END"


_TABLE: Mapping[str, str] = {
    "input": _as_text("source"),
    "state": "state",
    "folder": _as_text("folder"),
    "bytes": "bytes_downloaded",
    "seconds at the service": _SECONDS,
    "job": _as_text("job_id"),
    "attempts": "attempts",
    "error": _as_text("error_code"),
    "message": _as_text("error_message"),
}
"""The columns of the CSV file, each with its SQL."""
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

    def listed(self, limit: int) -> Iterator[list[Listed]]:
        """The rows of each track: one for each output, or one without a path if there are none.

        The tracks are in the order of first sight. If there are more than `limit`, failed and uncertain ones are chosen
        before others.
        """
        rows: Iterator[Listed] = self._db.execute(_LISTED, [self.common_params() or "{}", limit])
        return (list(group) for _, group in groupby(rows, itemgetter(0)))

    def table(self) -> Iterator[tuple[Any, ...]]:
        """The lines of the CSV file: the titles, then every track in the order of first sight. URLs have no signatures."""
        yield tuple(_TABLE)
        rows = self._db.execute(f"SELECT {', '.join(_TABLE.values())} FROM tracks ORDER BY rowid")  # noqa: S608
        yield from ((redacted(row[0]), *row[1:-1], without_queries(row[-1] or "")) for row in rows)

    def copies(self) -> Iterator[tuple[int, str]]:
        """Inputs with the same content as the one that names the track: the track's number and the input's source.

        They are in the order of `listed`.
        """
        yield from self._db.execute(_COPIES)
