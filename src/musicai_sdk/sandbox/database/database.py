"""Applications, jobs and stored objects, in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any, Final, Literal

from musicai_sdk.sandbox.database.records import Application, JobRecord, NewJob, StoredObject
from musicai_sdk.sandbox.database.tables import JOB, SCHEMA
from musicai_sdk.sandbox.private_files import private_file

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue


class Database:
    """The database. Every method is one transaction and may be called from any thread."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        # SQLite creates further files with the permissions of the first.
        for name in (file, *file.parent.glob(f"{file.name}-*")):
            private_file(name)
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(SCHEMA)
        self._database.create_function("shuffled", 1, _shuffled, deterministic=True)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._database.close()

    def setting(self, name: str) -> str | None:
        """Returns a setting, which is kept across restarts."""
        row = self._one("SELECT value FROM settings WHERE name = ?", (name,))
        return None if row is None else str(row[0])

    def keep_setting(self, name: str, value: str) -> None:
        """Stores a setting."""
        self._run("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def applications(self) -> list[Application]:
        """Returns all applications, the default one first."""
        return [
            Application(*row) for row in self._all("SELECT id, name, key FROM applications ORDER BY rowid")
        ]

    def application(self, key: str) -> Application | None:
        """Returns the application of a key."""
        row = self._one("SELECT id, name, key FROM applications WHERE key = ?", (key,))
        return None if row is None else Application(*row)

    def add_application(self, application: Application) -> None:
        """Adds an application, or replaces the one with its id."""
        self._run(
            "INSERT INTO applications VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name, key = excluded.key",
            astuple(application),
        )

    def add_job(self, job_id: str, application: Application, job: NewJob, now: float) -> int:
        """Adds a QUEUED job and returns its `seq`."""
        with self._transaction():
            cursor = self._database.execute(
                "INSERT INTO jobs (id, application, name, metadata, workflow, params, copy_results_to,"
                " status, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'QUEUED', ?)",
                (job_id, application.id, job.name, json.dumps(job.metadata or {}), job.workflow,
                 json.dumps(job.params), json.dumps(job.copy_results_to or {}), now),
            )  # fmt: skip
            return cursor.lastrowid or 0

    def job(self, job_id: str, application: Application | None = None) -> JobRecord | None:
        """Returns a job of the application, or of any if none is given."""
        row = self._one(
            f"{JOB} WHERE jobs.id = ? AND application = COALESCE(?, application)",
            (job_id, application.id if application else None),
        )
        return None if row is None else _job(row)

    def jobs(
        self,
        application: Application | None = None,
        *,
        status: Sequence[str] = (),
        workflow: Sequence[str] = (),
        batch_name: str | None = None,
        offset: int = 0,
        limit: int = -1,
        created_by: float | None = None,
        order: Literal["newest", "oldest", "shuffled"] = "newest",
    ) -> list[JobRecord]:
        """Returns the jobs of one application or of all that pass every filter."""
        where, values = ["1"], list[str | float]()
        for column, wanted in (
            ("application", [application.id] if application else []),
            ("status", status),
            ("workflow", workflow),
            ("batch_name", [] if batch_name is None else [batch_name]),
        ):
            if wanted:
                where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values += wanted
        if created_by is not None:
            where.append("created_at <= ?")
            values.append(created_by)
        sql = f"{JOB} WHERE {' AND '.join(where)} ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?"
        return [_job(row) for row in self._all(sql, (*values, limit, offset))]

    def unfinished(self) -> list[int]:
        """Puts STARTED jobs back into the queue; returns the `seq` of all queued ones, oldest first."""
        self._run("UPDATE jobs SET status = 'QUEUED', started_at = NULL WHERE status = 'STARTED'", ())
        return [
            int(row[0]) for row in self._all("SELECT seq FROM jobs WHERE status = 'QUEUED' ORDER BY seq", ())
        ]

    def start_job(self, seq: int, free_since: float) -> JobRecord | None:
        """Marks a queued job STARTED, from the time when its slot became free. Returns None if it was deleted."""
        self._run(
            "UPDATE jobs SET status = 'STARTED', started_at = MAX(created_at, ?) WHERE seq = ?",
            (free_since, seq),
        )
        row = self._one(f"{JOB} WHERE jobs.seq = ?", (seq,))
        return None if row is None else _job(row)

    def finish_job(
        self,
        seq: int,
        now: float,
        *,
        result: Mapping[str, Mapping[str, JsonValue]] | None = None,
        error: Mapping[str, str] | None = None,
        objects: Iterable[StoredObject] = (),
    ) -> bool:
        """Ends a job with its result and its files, or with an error; returns False if it was deleted meanwhile."""
        with self._transaction():
            cursor = self._database.execute(
                "UPDATE jobs SET status = ?, result = ?, error = ?, completed_at = ? WHERE seq = ?",
                ("FAILED" if error else "SUCCEEDED",
                 None if result is None else json.dumps(result, allow_nan=False),
                 None if error is None else json.dumps(error), now, seq),
            )  # fmt: skip
            if not cursor.rowcount:
                return False
            for stored in objects:
                self._put(stored, seq)
            return True

    def delete_job(self, job_id: str, application: Application) -> tuple[int, list[str]] | None:
        """Deletes a job and its objects; returns its `seq` and the blobs to remove, None if there is no such job."""
        with self._transaction():
            job = self.job(job_id, application)
            if job is None:
                return None
            blobs = [str(row[0]) for row in self._all("SELECT blob FROM objects WHERE job = ?", (job.seq,))]
            self._database.execute("DELETE FROM objects WHERE job = ?", (job.seq,))
            self._database.execute("DELETE FROM jobs WHERE seq = ?", (job.seq,))
            return job.seq, blobs

    def set_batch(self, job_id: str, batch_name: str) -> bool:
        """Puts a job into a batch; returns False if there is no such job."""
        with self._transaction():
            cursor = self._database.execute(
                "UPDATE jobs SET batch_name = ? WHERE id = ?", (batch_name, job_id)
            )
            return cursor.rowcount > 0

    def remove_objects(self, before: float) -> list[str]:
        """Deletes the objects that were stored before a time; returns the blobs to remove."""
        with self._transaction():
            rows = self._all("SELECT blob FROM objects WHERE modified < ?", (before,))
            self._database.execute("DELETE FROM objects WHERE modified < ?", (before,))
            return [str(row[0]) for row in rows]

    def stored(self, key: str) -> StoredObject | None:
        """Returns the object with a key."""
        names = ", ".join(column.name for column in fields(StoredObject))
        row = self._one(f"SELECT {names} FROM objects WHERE key = ?", (key,))  # noqa: S608
        return None if row is None else StoredObject(*row)

    def put_object(self, stored: StoredObject) -> str | None:
        """Stores an object; returns the blob that it replaces, if any."""
        with self._transaction():
            previous = self.stored(stored.key)
            self._put(stored, None)
            return previous.blob if previous else None

    def clear(self) -> list[str]:
        """Deletes all jobs and objects; returns the blobs to remove."""
        with self._transaction():
            blobs = [str(row[0]) for row in self._all("SELECT blob FROM objects", ())]
            self._database.execute("DELETE FROM objects")
            self._database.execute("DELETE FROM jobs")
            return blobs

    def _put(self, stored: StoredObject, seq: int | None) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*astuple(stored), seq)
        )

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _run(self, sql: str, values: Sequence[object]) -> None:
        with self._lock:
            self._database.execute(sql, values)

    def _one(self, sql: str, values: Sequence[object]) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._database.execute(sql, values).fetchone()
            return row

    def _all(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()


_ORDERS: Final = {"newest": "jobs.seq DESC", "oldest": "jobs.seq", "shuffled": "shuffled(jobs.id)"}


def _shuffled(job_id: str) -> bytes:
    return hashlib.sha256(job_id.encode()).digest()


def _job(row: tuple[Any, ...]) -> JobRecord:
    parsed = list(row)
    for index, column in enumerate(fields(JobRecord)):
        if column.name in _JSON_COLUMNS and parsed[index] is not None:
            parsed[index] = json.loads(parsed[index])
    return JobRecord(*parsed)


_JSON_COLUMNS = frozenset({"metadata", "params", "copy_results_to", "result", "error"})
