"""Reads a ledger for displays, exports and reports: counts, failures, tracks with their outputs, durations."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

from musicai_sdk._frames import data_frame
from musicai_sdk._text import without_signature
from musicai_sdk.batch.budget import Cost
from musicai_sdk.batch.events import Progress
from musicai_sdk.batch.inputs.kinds import Rejected
from musicai_sdk.batch.ledger.attempts import JobAttempt
from musicai_sdk.batch.ledger.database import open_to_read
from musicai_sdk.batch.ledger.files import in_folder, real_file, resolved_from_file
from musicai_sdk.batch.ledger.queries import meta, state_counts
from musicai_sdk.batch.ledger.shown import LISTED, ROW, html, place, summary, track_row
from musicai_sdk.batch.ledger.spending import cost
from musicai_sdk.batch.ledger.states import SAFE, UNSETTLED, State, sql
from musicai_sdk.batch.ledger.track import COLUMNS, Track
from musicai_sdk.batch.ledger.upgrade import ensure_attempts
from musicai_sdk.batch.results.destination import destination_for
from musicai_sdk.batch.results.output import OutputRecord
from musicai_sdk.batch.results.presence import Damage
from musicai_sdk.batch.text import redacted
from musicai_sdk.errors import IntegrityError, MusicAiError
from musicai_sdk.storage import Bucket

STAGES: Mapping[str, tuple[str, str]] = {
    "upload": ("seen_at", "uploaded_at"),
    "service": ("created_at", "finished_at"),
    "download": ("finished_at", "verified_at"),
    "whole": ("seen_at", "verified_at"),
}
"""The stages, each with the columns of its start and end. `service` covers the queue and the processing."""

_NAMED = (
    "SELECT key FROM tracks WHERE key = ? OR folder = ? UNION SELECT track FROM inputs WHERE source IN (?, ?)"
)
_ATTEMPT = ", ".join(
    "source" if each.name == "source" else f"job_attempts.{each.name}" for each in fields(JobAttempt)
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A track without results."""

    key: str
    """The track's key in the ledger."""
    source: str
    """The input: a path, or a URL without its query."""
    state: State
    """`failed` or `uncertain`."""
    code: str
    """The service's code, such as `BAD_INPUT`, or a short name such as `WAIT_TIMEOUT`, `JOB_GONE`, `TransferError`."""
    message: str
    """The message of the service or of the error."""
    attempts: int
    """How often a step failed."""
    job_id: str | None
    """The job that failed, or whose results the next run will fetch."""


@dataclass(frozen=True, slots=True)
class Durations:
    """The durations of one stage, over all tracks that completed it."""

    count: int
    """The number of tracks that completed the stage."""
    median: float
    """The median, in seconds."""
    p95: float
    """The 95th percentile, in seconds."""
    longest: float
    """The longest, in seconds."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run. For the tracks, open its ledger: `open_ledger(report.ledger)`."""

    ledger: Path
    """The ledger's file."""
    out: Path
    """The output folder; the ledger's folder if results are in a bucket."""
    progress: Progress
    """The figures at the end."""
    bucket: Bucket | None = None
    """The bucket with the results, unless they are in `out`."""
    missing: tuple[Damage, ...] = ()
    """The tracks that `damaged` lists."""
    run: str = ""
    """The run's id, recorded in the ledger with its paid requests: see `LedgerView.attempts`."""

    @override
    def __repr__(self) -> str:
        return f"<Report: {summary(self.progress)}; ledger {str(self.ledger)!r}>"

    def _repr_html_(self) -> str:
        """The report in a notebook: the figures, and the first tracks with links and players."""
        places: dict[str, object] = {"ledger": place(self.ledger)}
        places["results"] = self.bucket.url if self.bucket is not None else place(self.out)
        try:
            with LedgerView(self.ledger) as view:
                rows, total = list(islice(view.rows(), LISTED)), sum(view.counts().values())
                title, places["cost"] = view.workflow, f"{view.cost(self.run)}; all runs: {view.cost()}"
        except MusicAiError as error:  # the ledger was removed, and the figures are still here
            return html(str(error), self.progress, places)
        return html(title, self.progress, places, rows, total, None if self.bucket else self.out)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The tracks of all runs as plain data, one dictionary each, in the order in which they were seen.

        The paths in `outputs` are relative to `out`, times are in seconds. Each access reads the ledger.
        """
        with LedgerView(self.ledger) as view:
            return list(view.rows())

    def to_pandas(self) -> Any:
        """The rows as a `pandas.DataFrame`.

        Raises:
            ConfigurationError: pandas isn't installed: `pip install pandas`.
        """
        return data_frame(self.rows, ROW)

    @property
    def ok(self) -> bool:
        """Whether every input has its results. For results of earlier runs, the run checked names and sizes."""
        progress = self.progress
        unresolved = progress.failed or progress.rejected or progress.missing or progress.waiting
        return progress.complete and not (unresolved or progress.budget or progress.draining)

    def damaged(self) -> list[Damage]:
        """The tracks of earlier runs whose results are missing now, and which this run couldn't fetch again.

        Put their files back, or use another output folder and pay for a new job. If the job was kept, every run fetches
        the results again. The list has at most 10,000 tracks; `progress.missing` has the number of inputs. To read all
        results of a ledger, use `LedgerView.check`.
        """
        return list(self.missing)

    @property
    def jobs_created(self) -> int:
        """The number of jobs that this run is known to have created. Each job costs money.

        It excludes jobs of earlier runs that this run continued, and requests with a lost answer whose job wasn't
        found. `LedgerView.attempts` has all of these. Each access reads the ledger.
        """
        with LedgerView(self.ledger) as view:
            return view.jobs_created(self.run)

    @property
    def jobs_left(self) -> list[str]:
        """The jobs of all runs that, as far as this ledger knows, are still at the service, the oldest first.

        These are jobs that were kept, are running, or failed, even if a retry replaced them. Failed jobs are deleted
        only on request. Each access reads the ledger.
        """
        with LedgerView(self.ledger) as view:
            return view.jobs_left()

    @property
    def cost(self) -> Cost:
        """What this run paid for: jobs, minutes of audio, and money by the price of `prices`.

        It counts as the budget does: also requests with a lost answer, which may be paid. Each access reads the ledger.
        """
        with LedgerView(self.ledger) as view:
            return view.cost(self.run)

    @property
    def total_cost(self) -> Cost:
        """What all runs of the ledger paid for. This is what `max_jobs`, `max_minutes` and `max_cost` limit."""
        with LedgerView(self.ledger) as view:
            return view.cost()

    def failures(self) -> list[Failure]:
        """The tracks that failed or are uncertain."""
        with LedgerView(self.ledger) as view:
            return list(view.failures())


class LedgerView:
    """A ledger opened for reading, which also works while a run uses it. Use it in a `with` statement."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens the ledger.

        Raises:
            LedgerError: the ledger doesn't exist, or can't be read.
        """
        self.path: Path = in_folder(Path(path))
        self._db: sqlite3.Connection = open_to_read(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file. May be called twice."""
        self._db.close()

    @property
    def workflow(self) -> str:
        """The workflow's slug."""
        return meta(self._db, "workflow") or ""

    @property
    def bucket(self) -> str | None:
        """The URL of the bucket with the results; None if they are in `out`."""
        return meta(self._db, "bucket") or None

    @property
    def input_name(self) -> str:
        """The wire name of the parameter that takes the input."""
        return meta(self._db, "input") or ""

    @property
    def out(self) -> Path:
        """The output folder of the latest run; its new path if the ledger and the folder were moved together."""
        return resolved_from_file(real_file(self.path), meta(self._db, "out") or "")

    def counts(self) -> dict[State, int]:
        """The number of tracks in each state."""
        return state_counts(self._db)

    def failures(self) -> Iterator[Failure]:
        """The tracks that failed or are uncertain, ordered by source."""
        yield from (
            Failure(key, redacted(source), *rest)
            for key, source, *rest in self._db.execute(
                "SELECT key, source, state, coalesce(error_code, ''), coalesce(error_message, ''),"  # noqa: S608
                " attempts, job_id"
                f" FROM tracks WHERE state IN {sql(UNSETTLED)} ORDER BY source"
            )
        )

    def attempts(self, track: str | None = None) -> Iterator[JobAttempt]:
        """Every paid POST, in the order of sending.

        Each row is written before its POST is sent, so a POST with the outcome `sent` may never have been sent. Repeats
        by the client itself, because the service was too busy or unreachable, cost nothing and belong to the same
        attempt.

        Args:
            track: Only the attempts of one track, given by its key, its folder, or the path or URL of its input. By
                default, all tracks.
        """
        ensure_attempts(self._db)
        where, values = "", list[str]()
        if track is not None:
            where, values = f"WHERE job_attempts.track IN ({_NAMED})", _named(track)
        rows = self._db.execute(
            f"SELECT {_ATTEMPT} FROM job_attempts LEFT JOIN tracks ON tracks.key = job_attempts.track"  # noqa: S608
            f" {where} ORDER BY sent_at, job_attempts.track, number",
            values,
        )
        for key, source, *rest in rows:
            yield JobAttempt(key, redacted(source or ""), *rest)

    def knows(self, track: str) -> bool:
        """Whether a track has this key or folder, or this path or URL as its input."""
        return self._db.execute(_NAMED, _named(track)).fetchone() is not None

    def jobs_created(self, run: str | None = None) -> int:
        """The number of jobs that are known to have been created, and so paid, by one run or by all runs."""
        where, values = ("", ()) if run is None else (" AND run = ?", (run,))
        return self._count_attempts("job_id", where, values)

    def cost(self, run: str | None = None) -> Cost:
        """What one run, or all runs, paid for, with the latest price that a run was given; see `Cost`."""
        ensure_attempts(self._db)
        return cost(self._db, run)

    def tracks_paid(self) -> int:
        """The number of tracks for which jobs were created."""
        return self._count_attempts("track")

    def _count_attempts(self, column: str, where: str = "", values: tuple[str, ...] = ()) -> int:
        ensure_attempts(self._db)
        found: tuple[int] = self._db.execute(
            f"SELECT count(DISTINCT {column}) FROM job_attempts WHERE job_id IS NOT NULL{where}",  # noqa: S608
            values,
        ).fetchone()
        return found[0]

    def jobs_left(self) -> list[str]:
        """The jobs that are still at the service, as far as this ledger knows, the oldest first."""
        ensure_attempts(self._db)
        rows = self._db.execute(
            "SELECT job_id FROM job_attempts WHERE job_id IS NOT NULL AND deleted_at IS NULL AND outcome <> 'gone'"
            " ORDER BY sent_at, track, number"
        )
        return list(dict.fromkeys(row[0] for row in rows))

    def rejected(self) -> Iterator[Rejected]:
        """The inputs of the latest run that couldn't be processed."""
        yield from (Rejected(*row) for row in self._db.execute("SELECT source, reason FROM rejected"))

    def tracks(self) -> Iterator[tuple[Track, tuple[OutputRecord, ...]]]:
        """Every track with its outputs, in the order in which the tracks were seen."""
        columns = ", ".join(f"tracks.{name}" for name in COLUMNS)
        rows = self._db.execute(
            f"SELECT {columns}, name, path, outputs.size, sha256 FROM tracks"  # noqa: S608
            " LEFT JOIN outputs ON outputs.track = tracks.key ORDER BY tracks.rowid, name"
        )
        width = len(COLUMNS)
        for _, group in groupby(rows, itemgetter(0)):
            found = list(group)
            outputs = [OutputRecord(*row[width:]) for row in found if row[width] is not None]
            yield Track(*found[0][:width]), tuple(outputs)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every track as plain data, without signed URLs: see `Report.rows`."""
        return (track_row(track, outputs) for track, outputs in self.tracks())

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yields every input with the folder of its results. Inputs with equal contents share a folder.

        If an input's content changed, its folder is that of the latest content. The older folder remains unchanged.
        """
        yield from self._db.execute(
            "SELECT inputs.source, tracks.folder FROM inputs JOIN tracks ON tracks.key = track"
        )

    def durations(self) -> dict[str, Durations]:
        """The durations of each stage, by the names of `STAGES`."""
        found = dict[str, Durations]()
        sums = ", ".join(f"sum({end} >= {start})" for start, end in STAGES.values())
        counts: tuple[int | None, ...] = self._db.execute(f"SELECT {sums} FROM tracks").fetchone()  # noqa: S608
        for (stage, (start, end)), count in zip(STAGES.items(), counts, strict=True):
            if count:
                # One sorted pass, so that not all values are in memory at once.
                rows: Iterator[tuple[float]] = self._db.execute(
                    f"SELECT {end} - {start} AS took FROM tracks WHERE {end} >= {start} ORDER BY took"  # noqa: S608
                )
                places = (count // 2, min(count - 1, count * 95 // 100), count - 1)
                picked, at = dict[int, float](), 0
                for place in sorted(set(places)):
                    picked[place] = next(islice(rows, place - at, None))[0]
                    at = place + 1
                found[stage] = Durations(count, *(picked[place] for place in places))
        return found

    def bytes(self) -> tuple[int, int]:
        """The size of all uploaded inputs and of all results, in bytes."""
        row: tuple[int, int] = self._db.execute(
            "SELECT coalesce(sum(CASE WHEN uploaded_at IS NOT NULL THEN size END), 0),"
            " coalesce(sum(bytes_downloaded), 0) FROM tracks"
        ).fetchone()
        return row

    def check(self, out: str | os.PathLike[str] | Bucket) -> Iterator[Damage]:
        """Reads all results again, and yields those that differ from the record in the ledger.

        Args:
            out: The output folder, or the bucket.
        """
        destination = destination_for(out)
        for track, outputs in self.tracks():
            if track.state in SAFE:
                try:
                    destination.verified(outputs)
                except (IntegrityError, OSError) as error:
                    yield Damage(track.source, track.folder, str(error))


def _named(track: str) -> list[str]:
    source = without_signature(track) if "://" in track else os.path.abspath(track)  # noqa: PTH100 - as inputs are read
    return [track, track, track, source]


def open_ledger(path: str | os.PathLike[str]) -> LedgerView:
    """Opens a ledger for reading, which also works while a run uses it.

    Args:
        path: The file, or the output folder, in which it is `.musicai-batch.sqlite3`.

    Raises:
        LedgerError: the ledger doesn't exist, or can't be read.
    """
    return LedgerView(path)
