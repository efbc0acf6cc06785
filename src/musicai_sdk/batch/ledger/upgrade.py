"""Upgrades ledgers of older versions when a run opens them."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

from musicai_sdk.batch.errors import JOB_GONE
from musicai_sdk.batch.ledger.schema import (
    ATTEMPTS,
    FOLDERS,
    RUNS,
    VERSION,
    WITH_ATTEMPTS,
    WITH_FOLDERS,
)
from musicai_sdk.batch.ledger.states import JOBLESS, TABLE
from musicai_sdk.batch.ledger.track import COLUMNS, Track
from musicai_sdk.batch.results.folders import assign_all_folders


def upgrade(connection: sqlite3.Connection, version: int, slug: str, input_name: str) -> None:
    """Upgrades the tables of an older ledger in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    if version < WITH_FOLDERS:
        _execute_all(connection, FOLDERS)
        assign_all_folders(connection)
    # The columns in the order of the current tables: rows are copied between ledgers.
    if version < WITH_ATTEMPTS:
        connection.execute("ALTER TABLE tracks ADD COLUMN run")
    connection.execute("ALTER TABLE tracks ADD COLUMN audio_ms")
    connection.execute("ALTER TABLE queue ADD COLUMN audio_ms INTEGER")
    if version < WITH_ATTEMPTS:
        _execute_all(connection, RUNS + ATTEMPTS)
        _derive_attempts(connection)
    else:
        connection.execute("ALTER TABLE job_attempts ADD COLUMN audio_ms INTEGER")
    meta = {"workflow": slug, "input": input_name, "id": uuid.uuid4().hex, "commits": "0"}
    connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", meta.items())
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def ensure_attempts(connection: sqlite3.Connection) -> None:
    """Adds the attempts that an upgrade would derive to a read-only connection to an older ledger."""
    known = connection.execute(
        "SELECT count(*) FROM (SELECT name FROM sqlite_schema UNION SELECT name FROM sqlite_temp_schema)"
        " WHERE name = 'job_attempts'"
    ).fetchone()[0]
    if not known:
        connection.execute("PRAGMA query_only = OFF")
        connection.executescript(ATTEMPTS.replace("CREATE TABLE", "CREATE TEMP TABLE"))
        _derive_attempts(connection)
        connection.execute("PRAGMA query_only = ON")


def _execute_all(connection: sqlite3.Connection, script: str) -> None:
    """Runs statements inside the open transaction; `executescript` would commit it first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _derive_attempts(db: sqlite3.Connection) -> None:
    """Fills `job_attempts` from the tracks: the latest POST of each track, and the job before that POST.

    An older ledger dropped the id of a failed job once it had the id of the retry's job.
    """
    names = COLUMNS[: COLUMNS.index("run")]  # older ledgers don't have the others
    rows = db.execute(
        f"SELECT {', '.join(names)} FROM tracks WHERE job_id IS NOT NULL OR idempotency_key IS NOT NULL"  # noqa: S608
    )
    for row in rows:
        db.executemany(
            "INSERT INTO job_attempts VALUES (:track, :number, :key, :reason, '', :sent_at, :job_id, :outcome, :code,"
            " :ended_at, :deleted_at, NULL)",
            _attempts_of(Track(*row)),
        )


def _attempts_of(track: Track) -> list[dict[str, Any]]:
    info = TABLE[track.state]
    failed = info.unsettled and track.resume_at is not None
    attempts = list[dict[str, Any]]()

    def add(key: str | None, outcome: str, **columns: Any) -> None:
        unset = dict.fromkeys(("sent_at", "job_id", "code", "ended_at", "deleted_at"))
        number = len(attempts) + 1
        reason = "first" if number == 1 else "retry_failed"
        fixed = {"track": track.key, "number": number, "key": key or "", "reason": reason, "outcome": outcome}
        attempts.append(unset | columns | fixed)

    if ((track.resume_at or track.state) if failed else track.state) not in JOBLESS:
        add(
            track.idempotency_key,
            "succeeded" if track.finished_at is not None else "created",
            sent_at=track.creating_at,
            job_id=track.job_id,
            ended_at=track.finished_at,
            deleted_at=None if info.next else track.ended_at,
        )
        return attempts
    if track.job_id is not None:
        # This job failed or is gone, and the next attempt needs a new job.
        own = failed and track.idempotency_key is None
        add(
            None,
            "gone" if track.error_code == JOB_GONE else "failed",
            sent_at=track.creating_at if own else None,
            job_id=track.job_id,
            code=track.error_code if own else None,
            ended_at=track.ended_at if own else None,
        )
    if track.idempotency_key is not None:
        # The POST is being sent, may have been received, or was refused. Older versions removed the time of a refused
        # POST.
        unknown = "uncertain" if info.unsettled or not info.open_post else "sent"
        add(
            track.idempotency_key,
            "refused" if track.creating_at is None else unknown,
            sent_at=track.creating_at,
            code=track.error_code,
        )
    return attempts
