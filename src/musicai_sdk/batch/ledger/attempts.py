"""Every paid POST that was ever sent for a track: written down before it leaves, completed when its end is known."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from musicai_sdk.batch.engine.failures import JOB_GONE
from musicai_sdk.batch.ledger.states import FETCHABLE, JOBLESS, OPEN, TABLE, State
from musicai_sdk.batch.ledger.track import Track

Reason: TypeAlias = Literal["first", "resent", "lost", "retry_failed", "retry_uncertain"]
"""Why a POST was sent: `first` the track's first one · `resent` the service had refused the one before, which cost
nothing · `lost` the one before was certainly never received, and was sent again under its key · `retry_failed` its job
had failed or was gone, and a retry was asked for · `retry_uncertain` whether the one before was received isn't known,
and a retry was asked for."""

Outcome: TypeAlias = Literal[
    "sent", "refused", "uncertain", "absent", "created", "succeeded", "failed", "gone"
]
"""What became of it: `sent` nothing is known yet · `refused` the service didn't act · `uncertain` its answer was lost ·
`absent` the list of jobs proved that it was never received · `created` its job is at the service · `succeeded` and
`failed` the job ended · `gone` the service says that the job doesn't exist any more."""

TABLES = """
-- Every paid POST that was ever sent, before it left. Rows are added and completed, and never removed.
CREATE TABLE job_attempts (
    track TEXT NOT NULL, number INTEGER NOT NULL, idempotency_key TEXT NOT NULL, reason TEXT NOT NULL,
    run TEXT NOT NULL, sent_at REAL, job_id TEXT, outcome TEXT NOT NULL, code TEXT, ended_at REAL, deleted_at REAL,
    PRIMARY KEY (track, number)
) WITHOUT ROWID;
"""

_LATEST = "track = ? AND number = (SELECT max(number) FROM job_attempts WHERE track = ?{more})"


@dataclass(frozen=True, slots=True)
class JobAttempt:
    """One paid POST. Times are seconds since 1970."""

    track: str
    """The track's key in the ledger."""
    source: str
    """The track's input: a path, or a URL without its query."""
    number: int
    """The track's first POST has 1, its next one 2, and so on."""
    idempotency_key: str
    """The token that the job carries in its metadata; empty if an older version sent it and didn't keep it."""
    reason: Reason
    """Why it was sent."""
    run: str
    """The run that sent it; empty for those of older versions."""
    sent_at: float | None
    """When it was about to leave."""
    job_id: str | None
    """The job that it made, once that is known."""
    outcome: Outcome
    """What became of it."""
    code: str | None
    """Why it failed, was refused, or is uncertain."""
    ended_at: float | None
    """When its outcome was known for good."""
    deleted_at: float | None
    """When this package deleted the job."""


def follow(db: sqlite3.Connection, track: Track, after: State, changes: Mapping[str, Any], run: str) -> None:
    """Writes down what a change of a track's state says of its POSTs, in the same transaction.

    Args:
        db: The ledger, in a transaction.
        track: The track before the change.
        after: The state that it gets.
        changes: The other columns that change.
        run: The run that makes the change.
    """
    code: str | None = changes.get("error_code")
    now = time.time()
    if after in OPEN and "creating_at" in changes:
        key = changes.get("idempotency_key") or track.idempotency_key or ""
        _begin(db, track, key, changes["creating_at"], run)
    elif "job_id" in changes and changes["job_id"] is not None:
        made(db, track, changes["job_id"])
    elif track.state in OPEN and after in JOBLESS and after != track.state:
        _latest(db, track, "uncertain" if after in OPEN else "refused", code, now)
    elif track.state in FETCHABLE and after in FETCHABLE and "finished_at" in changes:
        _of_job(db, track, "succeeded", None, now)
    elif track.state in FETCHABLE and changes.get("resume_at") in JOBLESS:
        _of_job(db, track, "gone" if code == JOB_GONE else "failed", code, now)
    elif track.state not in FETCHABLE and after in FETCHABLE and track.error_code == JOB_GONE:
        _of_job(db, track, "created", None, None)  # the service has it after all
    elif after == "deleted":
        db.execute(
            "UPDATE job_attempts SET deleted_at = ? WHERE track = ? AND job_id = ?",
            (changes.get("ended_at") or now, track.key, track.job_id),
        )


def made(db: sqlite3.Connection, track: Track, job_id: str) -> None:
    """Notes the job that a POST has made: of those under its key the latest that the service hasn't refused."""
    more = " AND idempotency_key = ? AND outcome <> 'refused'"
    db.execute(
        "UPDATE job_attempts SET job_id = ?, outcome = 'created', code = NULL, ended_at = NULL"  # noqa: S608
        f" WHERE {_LATEST.format(more=more)}",
        (job_id, track.key, track.key, track.idempotency_key or ""),
    )


def absent(db: sqlite3.Connection, track: Track) -> None:
    """Notes that the list of jobs has proved that the POSTs under the track's key were never received."""
    db.execute(
        "UPDATE job_attempts SET outcome = 'absent', ended_at = ?"
        " WHERE track = ? AND idempotency_key = ? AND outcome IN ('sent', 'uncertain')",
        (time.time(), track.key, track.idempotency_key or ""),
    )


def _begin(db: sqlite3.Connection, track: Track, key: str, at: float, run: str) -> None:
    last: tuple[int, Outcome] | None = db.execute(
        f"SELECT number, outcome FROM job_attempts WHERE {_LATEST.format(more='')}",  # noqa: S608
        (track.key, track.key),
    ).fetchone()
    number, outcome = last or (0, None)
    reason: Reason = "first" if outcome is None else _REASONS.get(outcome, "retry_uncertain")
    db.execute(
        "INSERT INTO job_attempts (track, number, idempotency_key, reason, run, sent_at, outcome)"
        " VALUES (?, ?, ?, ?, ?, ?, 'sent')",
        (track.key, number + 1, key, reason, run, at),
    )


_REASONS: Mapping[Outcome, Reason] = {
    "refused": "resent",
    "absent": "lost",
    "created": "retry_failed",
    "succeeded": "retry_failed",
    "failed": "retry_failed",
    "gone": "retry_failed",
}
"""Why a POST is sent, by what became of the one before."""


def _latest(db: sqlite3.Connection, track: Track, outcome: Outcome, code: str | None, at: float) -> None:
    db.execute(
        "UPDATE job_attempts SET outcome = ?, code = ?, ended_at = ?"  # noqa: S608
        f" WHERE {_LATEST.format(more='')} AND outcome = 'sent'",
        (outcome, code, at, track.key, track.key),
    )


def _of_job(
    db: sqlite3.Connection, track: Track, outcome: Outcome, code: str | None, at: float | None
) -> None:
    db.execute(
        "UPDATE job_attempts SET outcome = ?, code = ?, ended_at = ? WHERE track = ? AND job_id = ?",
        (outcome, code, at, track.key, track.job_id),
    )


def take_over(db: sqlite3.Connection) -> None:
    """Makes rows of what a ledger of an older version knows of jobs: the latest POST of each track, and the job before.

    Such a ledger has forgotten the job that failed once the job of its retry is known.
    """
    names = [each.name for each in fields(Track) if each.name != "run"]
    found = db.execute(
        f"SELECT {', '.join(names)} FROM tracks WHERE job_id IS NOT NULL OR idempotency_key IS NOT NULL"  # noqa: S608
    )
    for row in found:
        known = _known(Track(**dict(zip(names, row, strict=True))))
        db.executemany(f"INSERT INTO job_attempts VALUES ({', '.join('?' * len(known[0]))})", known)  # noqa: S608


def _known(track: Track) -> list[tuple[Any, ...]]:
    failed = TABLE[track.state].unsettled and track.resume_at is not None
    rows = list[tuple[Any, ...]]()

    def add(key: str | None, reason: Reason, outcome: Outcome, **columns: Any) -> None:
        row = {"sent_at": None, "job_id": None, "code": None, "ended_at": None, "deleted_at": None} | columns
        rows.append(
            (
                *(track.key, len(rows) + 1, key or "", reason, "", row["sent_at"], row["job_id"]),
                *(outcome, row["code"], row["ended_at"], row["deleted_at"]),
            )
        )

    if ((track.resume_at or track.state) if failed else track.state) not in JOBLESS:
        ended = track.finished_at is not None
        add(
            *(track.idempotency_key, "first", "succeeded" if ended else "created"),
            sent_at=track.creating_at,
            job_id=track.job_id,
            ended_at=track.finished_at,
            deleted_at=None if TABLE[track.state].next else track.ended_at,
        )
        return rows
    if track.job_id is not None:
        # Its job has failed or is gone, and what comes next is another one.
        own = failed and track.idempotency_key is None
        add(
            *(None, "first", "gone" if track.error_code == JOB_GONE else "failed"),
            sent_at=track.creating_at if own else None,
            job_id=track.job_id,
            code=track.error_code if own else None,
            ended_at=track.ended_at if own else None,
        )
    if track.idempotency_key is not None:
        # Its POST is under way, or may have been received, or was refused, which has left no time.
        unknown: Outcome = (
            "uncertain" if TABLE[track.state].unsettled or not TABLE[track.state].open_post else "sent"
        )
        add(
            *(track.idempotency_key, "retry_failed" if rows else "first"),
            outcome="refused" if track.creating_at is None else unknown,
            sent_at=track.creating_at,
            code=track.error_code,
        )
    return rows
