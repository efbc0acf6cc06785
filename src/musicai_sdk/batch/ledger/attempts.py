"""The record of every paid POST, written before the POST is sent and completed when its outcome is known."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from musicai_sdk.batch.errors import JOB_GONE
from musicai_sdk.batch.ledger.states import FETCHABLE, JOBLESS, OPEN, State
from musicai_sdk.batch.ledger.track import Track

Reason: TypeAlias = Literal["first", "resent", "lost", "retry_failed", "retry_uncertain"]
"""Why a POST was sent: `first` the track's first POST · `resent` the service had refused the previous POST, which cost
nothing · `lost` the service had provably not received the previous POST, so it was repeated under its key ·
`retry_failed` the previous job had failed or was gone, and a retry was requested · `retry_uncertain` the service may
have received the previous POST, and a retry was requested."""

Outcome: TypeAlias = Literal[
    "sent", "refused", "uncertain", "absent", "created", "succeeded", "failed", "gone"
]
"""The outcome of a POST: `sent` unknown so far · `refused` the service didn't act · `uncertain` the answer was lost ·
`absent` the list of jobs proved that the service never received the POST · `created` the job is at the service ·
`succeeded` and `failed` the job ended · `gone` the service says that the job no longer exists."""

_LATEST = "track = :track AND number = (SELECT max(number) FROM job_attempts WHERE track = :track{more})"
_REASONS: Mapping[Outcome, Reason] = {
    "refused": "resent",
    "absent": "lost",
    "created": "retry_failed",
    "succeeded": "retry_failed",
    "failed": "retry_failed",
    "gone": "retry_failed",
}
"""The reason for a POST, by the outcome of the previous POST. After any other outcome, the reason is
`retry_uncertain`."""

_BEGIN = f"""
INSERT INTO job_attempts (track, number, idempotency_key, reason, run, sent_at, outcome, audio_ms)
SELECT key, coalesce(number, 0) + 1, :key,
    CASE {" ".join(f"WHEN outcome = {outcome!r} THEN {reason!r}" for outcome, reason in _REASONS.items())}
        WHEN outcome IS NULL THEN 'first' ELSE 'retry_uncertain' END,
    :run, :at, 'sent', tracks.audio_ms
FROM tracks LEFT JOIN job_attempts ON {_LATEST.format(more="")} WHERE key = :track"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class JobAttempt:
    """One paid POST. Times are seconds since 1970."""

    track: str
    """The track's key in the ledger."""
    source: str
    """The track's input: a path, or a URL without its query."""
    number: int
    """1 for the track's first POST, 2 for the next, and so on."""
    idempotency_key: str
    """The key in the job's metadata; empty if an older version sent the POST and didn't keep the key."""
    reason: Reason
    """Why the POST was sent."""
    run: str
    """The run that sent the POST; empty for POSTs of older versions."""
    sent_at: float | None
    """When the POST was about to be sent."""
    job_id: str | None
    """The job that the POST created, once known."""
    outcome: Outcome
    """The outcome of the POST."""
    code: str | None
    """The error code if the job failed, or if the POST was refused or is uncertain."""
    ended_at: float | None
    """When the outcome became final."""
    deleted_at: float | None
    """When this package deleted the job."""
    audio_ms: int | None = None
    """The length of the input's audio in milliseconds; None if it wasn't known."""


def record(db: sqlite3.Connection, track: Track, after: State, changes: Mapping[str, Any], run: str) -> None:
    """Records the consequences of a track's change for its POSTs, in the same transaction.

    Args:
        db: The ledger, in a transaction.
        track: The track before the change.
        after: The track's new state.
        changes: The new values of other columns.
        run: The run that makes the change.
    """
    code: str | None = changes.get("error_code")
    now = time.time()
    if after in OPEN and "creating_at" in changes:
        key = changes.get("idempotency_key") or track.idempotency_key or ""
        db.execute(_BEGIN, {"track": track.key, "key": key, "run": run, "at": changes["creating_at"]})
    elif changes.get("job_id") is not None:
        record_job(db, track, changes["job_id"])
    elif track.state in OPEN and after in JOBLESS and after != track.state:
        outcome: Outcome = "uncertain" if after in OPEN else "refused"
        db.execute(
            "UPDATE job_attempts SET outcome = :outcome, code = :code, ended_at = :now"  # noqa: S608
            f" WHERE {_LATEST.format(more='')} AND outcome = 'sent'",
            {"track": track.key, "outcome": outcome, "code": code, "now": now},
        )
    elif track.state in FETCHABLE and after in OPEN:
        db.execute(
            "UPDATE job_attempts SET job_id = NULL, outcome = 'uncertain', code = ?, ended_at = ?"
            " WHERE track = ? AND job_id = ?",
            (code, now, track.key, track.job_id),
        )
    elif track.state in FETCHABLE and after in FETCHABLE and "finished_at" in changes:
        _complete(db, track, "succeeded", None, now)
    elif track.state in FETCHABLE and changes.get("resume_at") in JOBLESS:
        _complete(db, track, "gone" if code == JOB_GONE else "failed", code, now)
    elif track.state == "failed" and track.resume_at in JOBLESS and after in FETCHABLE:
        _complete(
            db, track, "created", None, None
        )  # the job exists at the service after all, or hasn't failed
    elif after == "deleted":
        db.execute(
            "UPDATE job_attempts SET deleted_at = ? WHERE track = ? AND job_id = ?",
            (changes.get("ended_at") or now, track.key, track.job_id),
        )


def record_job(db: sqlite3.Connection, track: Track, job_id: str) -> None:
    """Records the job of the latest POST under the track's key that the service didn't refuse."""
    more = " AND idempotency_key = :key AND outcome <> 'refused'"
    db.execute(
        "UPDATE job_attempts SET job_id = :job_id, outcome = 'created', code = NULL, ended_at = NULL"  # noqa: S608
        f" WHERE {_LATEST.format(more=more)}",
        {"track": track.key, "job_id": job_id, "key": track.idempotency_key or ""},
    )


def record_absence(db: sqlite3.Connection, track: Track) -> None:
    """Records that, as the list of jobs proves, the service never received the POSTs under the track's key."""
    db.execute(
        "UPDATE job_attempts SET outcome = 'absent', ended_at = ?"
        " WHERE track = ? AND idempotency_key = ? AND outcome IN ('sent', 'uncertain')",
        (time.time(), track.key, track.idempotency_key or ""),
    )


def _complete(
    db: sqlite3.Connection, track: Track, outcome: Outcome, code: str | None, at: float | None
) -> None:
    db.execute(
        "UPDATE job_attempts SET outcome = ?, code = ?, ended_at = ? WHERE track = ? AND job_id = ?",
        (outcome, code, at, track.key, track.job_id),
    )
