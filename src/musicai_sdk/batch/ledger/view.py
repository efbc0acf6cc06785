"""What a ledger tells: counts, failures, tracks with their outputs, durations. For displays, exports and reports."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from musicai_sdk._text import without_signature
from musicai_sdk.batch.events import Progress, redacted
from musicai_sdk.batch.inputs.kinds import Rejected
from musicai_sdk.batch.ledger.attempts import JobAttempt
from musicai_sdk.batch.ledger.database import found_from, open_to_read, real_file, with_attempts
from musicai_sdk.batch.ledger.states import SAFE, UNSETTLED, State, sql
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.results.destination import destination_for
from musicai_sdk.batch.results.vanished import Damage
from musicai_sdk.batch.results.verify import Output
from musicai_sdk.errors import IntegrityError
from musicai_sdk.storage import Bucket

STAGES: Mapping[str, tuple[str, str]] = {
    "upload": ("seen_at", "uploaded_at"),
    "service": ("created_at", "finished_at"),
    "download": ("finished_at", "verified_at"),
    "whole": ("seen_at", "verified_at"),
}
"""The durations that are told, each with the columns it lies between. `service` is queue and processing."""


_NAMED = (
    "SELECT key FROM tracks WHERE key = ? OR folder = ? UNION SELECT track FROM inputs WHERE source IN (?, ?)"
)
_ATTEMPT = ", ".join(
    "source" if each.name == "source" else f"job_attempts.{each.name}" for each in fields(JobAttempt)
)


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A file that a track has given."""

    name: str
    """The output's name; empty for the JSON file with the whole result."""
    path: str
    """Where it is, relative to the output folder or to the bucket's prefix."""
    size: int
    """In bytes."""
    sha256: str | None
    """Its digest, in hex; None until it was verified. Of an object in a bucket its ETag, as `etag:…`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A track that didn't give its results."""

    key: str
    """The track's key in the ledger."""
    source: str
    """The input: a path, or a URL without its query."""
    state: State
    """`failed` or `uncertain`."""
    code: str
    """The service's code, such as `BAD_INPUT`, or a short name such as `WAIT_TIMEOUT`, `JOB_GONE`, `TransferError`."""
    message: str
    """What the service or the error said."""
    attempts: int
    """How often it was tried."""
    job_id: str | None
    """The job that failed, or whose results the next run fetches."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How long one stage took, in seconds, over all tracks that are through it."""

    count: int
    """How many tracks are through the stage."""
    median: float
    """Half of them took no longer, in seconds."""
    p95: float
    """95 % of them took no longer, in seconds."""
    longest: float
    """The longest, in seconds."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. What it says of tracks is in the ledger: `open_ledger(report.ledger)`."""

    ledger: Path
    """The ledger's file."""
    out: Path
    """The output folder; the ledger's folder when results are in a bucket."""
    progress: Progress
    """The figures at the end."""
    bucket: Bucket | None = None
    """Where the results are, unless they are in `out`."""
    missing: tuple[Damage, ...] = ()
    """What `damaged` returns."""
    run: str = ""
    """The run's id, which its paid requests have in the ledger: see `LedgerView.attempts`."""

    @property
    def ok(self) -> bool:
        """Whether every input has its results. Those of earlier runs were looked up by name and size."""
        progress = self.progress
        return progress.complete and not (
            progress.failed or progress.rejected or progress.missing or progress.draining
        )

    def damaged(self) -> list[Damage]:
        """The tracks of this run's inputs that an earlier run finished and whose results aren't there any more.

        Put their files back. Where the job was kept, a run with `retry_failed` fetches them again; else only a job that
        is paid anew gives them, with another output folder. At most 10,000 are listed; `progress.missing` has the number
        of inputs. `LedgerView.check` reads all results of a ledger.
        """
        return list(self.missing)

    @property
    def jobs_created(self) -> int:
        """How many jobs the paid requests of this run have made, as far as that is known: each costs.

        Jobs of earlier runs that this one went on with aren't among them, nor are requests whose answer was lost and
        whose job wasn't found; `LedgerView.attempts` has all of them. It is read from the ledger each time.
        """
        with LedgerView(self.ledger) as view:
            return view.jobs_created(self.run)

    @property
    def jobs_left(self) -> list[str]:
        """The jobs of all runs of this ledger that are still at the service, as far as it knows, the oldest first.

        Those are the ones that were kept, that are under way, and that failed: also when a retry has replaced them. A
        failed job has no results to make safe first, so it is never deleted unasked. It is read from the ledger each
        time.
        """
        with LedgerView(self.ledger) as view:
            return view.jobs_left()

    def failures(self) -> list[Failure]:
        """The tracks that failed or are uncertain."""
        with LedgerView(self.ledger) as view:
            return list(view.failures())


class LedgerView:
    """A ledger to look into; a run may be going on in it. Use it with `with`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens it.

        Raises:
            LedgerError: there is none, or it can't be read.
        """
        self.path: Path = Path(path)
        self._db: sqlite3.Connection = open_to_read(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file. Twice is fine."""
        self._db.close()

    @property
    def workflow(self) -> str:
        """The slug of the workflow that this ledger is about."""
        return self._meta("workflow")

    @property
    def bucket(self) -> str | None:
        """The URL of the bucket that the results are in; None when they are in `out`."""
        return self._meta("bucket") or None

    @property
    def input_name(self) -> str:
        """The wire name of the parameter that takes the track."""
        return self._meta("input")

    @property
    def out(self) -> Path:
        """The output folder of the latest run; moved, if the ledger was moved with it."""
        return found_from(real_file(self.path), self._meta("out"))

    def counts(self) -> dict[State, int]:
        """How many tracks there are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM tracks GROUP BY state").fetchall())

    def failures(self) -> Iterator[Failure]:
        """The tracks that failed or are uncertain, in the order of their sources."""
        yield from (
            Failure(*row)
            for row in self._db.execute(
                "SELECT key, source, state, coalesce(error_code, ''), coalesce(error_message, ''),"  # noqa: S608
                " attempts, job_id"
                f" FROM tracks WHERE state IN {sql(UNSETTLED)} ORDER BY source"
            )
        )

    def attempts(self, track: str | None = None) -> Iterator[JobAttempt]:
        """Every paid POST that was ever sent, in the order in which they left.

        One whose row says `sent` may or may not have left: rows are written first. POSTs that the client itself repeats,
        because the service was too busy or couldn't be reached, are one attempt: they cost nothing.

        Args:
            track: Only those of one track, by its key, its folder, or a path or URL that is its input; of all tracks
                when left out.
        """
        with_attempts(self._db)
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
        """Whether there is a track with this key or folder, or with this path or URL as its input."""
        return self._db.execute(_NAMED, _named(track)).fetchone() is not None

    def jobs_created(self, run: str | None = None) -> int:
        """How many jobs are known to have been made, and paid: by one run, or by all of them."""
        with_attempts(self._db)
        where, values = ("", ()) if run is None else (" AND run = ?", (run,))
        found: tuple[int] = self._db.execute(
            f"SELECT count(DISTINCT job_id) FROM job_attempts WHERE job_id IS NOT NULL{where}",  # noqa: S608
            values,
        ).fetchone()
        return found[0]

    def tracks_paid(self) -> int:
        """How many tracks those jobs are for."""
        with_attempts(self._db)
        found: tuple[int] = self._db.execute(
            "SELECT count(DISTINCT track) FROM job_attempts WHERE job_id IS NOT NULL"
        ).fetchone()
        return found[0]

    def jobs_left(self) -> list[str]:
        """The jobs that are still at the service, as far as this ledger knows, the oldest first."""
        with_attempts(self._db)
        rows = self._db.execute(
            "SELECT job_id FROM job_attempts WHERE job_id IS NOT NULL AND deleted_at IS NULL AND outcome <> 'gone'"
            " ORDER BY sent_at, track, number"
        )
        return list(dict.fromkeys(row[0] for row in rows))

    def rejected(self) -> Iterator[Rejected]:
        """The inputs of the latest run that couldn't be processed at all."""
        yield from (Rejected(*row) for row in self._db.execute("SELECT source, reason FROM rejected"))

    def tracks(self) -> Iterator[tuple[Track, tuple[OutputRecord, ...]]]:
        """Every track with its outputs, in the order in which they were seen."""
        columns = ", ".join(f"tracks.{each.name}" for each in fields(Track))
        rows = self._db.execute(
            f"SELECT {columns}, name, path, outputs.size, sha256 FROM tracks"  # noqa: S608
            " LEFT JOIN outputs ON outputs.track = tracks.key ORDER BY tracks.rowid, name"
        )
        width = len(fields(Track))
        track: Track | None = None
        outputs = list[OutputRecord]()
        for row in rows:
            if track is None or row[0] != track.key:
                if track is not None:
                    yield track, tuple(outputs)
                track, outputs = Track(*row[:width]), []
            if row[width] is not None:
                outputs.append(OutputRecord(*row[width:]))
        if track is not None:
            yield track, tuple(outputs)

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Every input with the folder of its results: several inputs with one content have one folder.

        An input whose content has changed is told with its latest content's folder; the older one stays as it is.
        """
        yield from self._db.execute(
            "SELECT inputs.source, tracks.folder FROM inputs JOIN tracks ON tracks.key = track"
        )

    def durations(self) -> dict[str, Durations]:
        """How long the stages took, by name: see `STAGES`."""
        found = dict[str, Durations]()
        sums = ", ".join(f"sum({end} >= {start})" for start, end in STAGES.values())
        counts: tuple[int | None, ...] = self._db.execute(f"SELECT {sums} FROM tracks").fetchone()  # noqa: S608
        for (stage, (start, end)), count in zip(STAGES.items(), counts, strict=True):
            if count:
                # One sort, read up to its end: the values themselves are never all in memory.
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
        """Bytes of all inputs that were uploaded, and of all results."""
        row: tuple[int, int] = self._db.execute(
            "SELECT coalesce(sum(CASE WHEN uploaded_at IS NOT NULL THEN size END), 0),"
            " coalesce(sum(bytes_downloaded), 0) FROM tracks"
        ).fetchone()
        return row

    def _meta(self, name: str) -> str:
        row: tuple[str] | None = self._db.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchone()
        return row[0] if row else ""

    def check(self, out: str | os.PathLike[str] | Bucket) -> Iterator[Damage]:
        """Reads all results again, and tells which aren't as they were recorded.

        Args:
            out: The output folder, or the bucket.
        """
        place = destination_for(out)
        for track, outputs in self.tracks():
            if track.state in SAFE:
                try:
                    recorded: list[Output] = [(o.name, o.path, o.size, o.sha256) for o in outputs]
                    place.verified(recorded)
                except (IntegrityError, OSError) as error:
                    yield Damage(track.source, track.folder, str(error))


def _named(track: str) -> list[str]:
    source = without_signature(track) if "://" in track else os.path.abspath(track)  # noqa: PTH100 - as inputs are met
    return [track, track, track, source]


def open_ledger(path: str | os.PathLike[str]) -> LedgerView:
    """Opens a ledger to look into it, also while a run is going on.

    Args:
        path: The file, `<out>/.musicai-batch.sqlite3` unless the run was told otherwise.

    Raises:
        LedgerError: there is none, or it can't be read.
    """
    return LedgerView(path)
