"""The open ledger of a run. The state of each track is on disk before its next step that costs money.

The module does no I/O except through SQLite, and doesn't use asyncio. Writes happen inside `transaction`, and are
durable (WAL, `synchronous=FULL`) at the end of that block.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from musicai_sdk.batch.budget import Budget, Cost
from musicai_sdk.batch.engine.decide import resumed
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.inputs.row import InputRow
from musicai_sdk.batch.ledger import admission, attempts, processes
from musicai_sdk.batch.ledger.database import BEGAN_AT, GIVEN_TO, IN_USE, Condition, create_or_open
from musicai_sdk.batch.ledger.files import file_id, is_still_at, real_file
from musicai_sdk.batch.ledger.group_commit import GroupCommit
from musicai_sdk.batch.ledger.lock import FileLock
from musicai_sdk.batch.ledger.queries import meta, outputs_of, state_counts, stored_files_of
from musicai_sdk.batch.ledger.spending import Spending, cost, keep_price
from musicai_sdk.batch.ledger.sql import chunked
from musicai_sdk.batch.ledger.states import JOBLESS, OPEN, SAFE, State, transition
from musicai_sdk.batch.ledger.track import COLUMNS, Overtaken, Track, track_key
from musicai_sdk.batch.ledger.upgrade import upgrade
from musicai_sdk.batch.options import RunOptions
from musicai_sdk.batch.results.folder_names import folded
from musicai_sdk.batch.results.folders import FOREIGN, Fits, always, assign_folder
from musicai_sdk.batch.results.output import OutputRecord
from musicai_sdk.batch.text import redacted

_TRACKS = f"SELECT {', '.join(COLUMNS)} FROM tracks"  # noqa: S608


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run that has or had the ledger open."""

    id: str
    process: str
    """The identity of the run's process, see `processes.register`."""
    beat_at: float
    """The run's latest heartbeat, in seconds since 1970 by its own clock."""
    ended_at: float | None
    """When the run closed the ledger; None until then."""


class Ledger:
    """An open ledger of one workflow. Its lock excludes other runs."""

    def __init__(
        self,
        path: Path,
        slug: str,
        input_name: str,
        *,
        out: Path | None = None,
        alone: bool = False,
        patience: float = 0.0,
        fits: Fits = always,
        run: str = "",
        budget: Budget | None = None,
        may_create: Callable[[], object] = dict,
    ) -> None:
        """Opens the ledger, or creates it if it doesn't exist.

        Args:
            path: The file; folders above it are created.
            slug: The workflow's slug.
            input_name: The wire name of the parameter that takes the input.
            out: The output folder, recorded for reports if the ledger has none yet.
            alone: Whether no other process reads the ledger, as for a shard, so that the file may be on a network file
                system.
            patience: Seconds to wait for another process to release the lock.
            fits: Whether a folder name leaves room for results; see `folders.room_in`.
            run: The id of the run to record with POSTs, the same for all shards; by default a new id.
            budget: The most that all runs of this ledger may spend; no limit by default.
            may_create: Called before a new ledger is created. Raises an error to prevent that.

        Raises:
            LedgerLockedError: another process has the ledger open.
            LedgerVersionError: a newer version of this package wrote the ledger.
            LedgerMismatchError: the ledger belongs to another workflow.
            LedgerError: the ledger can't be used.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path = real_file(path)
            self._lock = FileLock(path, patience=patience)
        except OSError as error:
            raise LedgerError(f"the ledger {str(path)!r} can't be opened: {error}") from None
        self.path: Path = path
        self.slug: str = slug
        self.input_name: str = input_name
        self.id: str = uuid.uuid4().hex
        """The id of this opening of the ledger, which owns the tracks that it changes."""
        self._run = run or self.id
        self._budget = budget or Budget()
        self._spending = Spending(self._budget)
        self._fits = fits
        self._alone = alone
        self._witness: Callable[[int], object] | None = None
        self._in_use = False
        self._checked = False
        self._began_at: float | None = None
        try:
            self._db, self.condition = create_or_open(
                path, slug, input_name, out, alone=alone, may_create=may_create, upgrade=upgrade
            )
        except BaseException:
            self._lock.release()
            raise
        self._file = file_id(path)

    condition: Condition
    """The condition in which the ledger was opened."""

    def use(self, witness: Callable[[int], object] | None = None) -> None:
        """Starts using the ledger: records this run, and marks the file so that a copy without its WAL is recognised.

        Args:
            witness: Called after each commit, with the number of commits so far.
        """
        now = time.time()
        self._witness = witness
        with self.transaction() as db:
            db.execute(
                "INSERT INTO runs (id, process, began_at, beat_at) VALUES (?, ?, ?, ?)",
                (self.id, processes.register(self.id), now, now),
            )
            if self._budget.price is not None:
                keep_price(db, self._budget.price)
            if not self._alone:
                db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (IN_USE, self.id))
        self._in_use = True
        if not self._alone:
            # Write the mark into the file itself. An active reader may block the first checkpoint; the second one waits
            # for it.
            busy, pages, done = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if busy or pages != done:
                self._db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()

    def close(self) -> None:
        """Closes the file and releases the lock. May be called twice."""
        try:
            if self._in_use:
                self._in_use = False
                # If the ledger can't be written any more, the next run finds it as after a crash.
                with suppress(LedgerError), self.transaction() as db:
                    db.execute("DELETE FROM meta WHERE name = ? AND value = ?", (IN_USE, self.id))
                    db.execute("UPDATE runs SET ended_at = ? WHERE id = ?", (time.time(), self.id))
        finally:
            processes.unregister(self.id)
            self._db.close()
            self._lock.release()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """A block of writes. At its end, either all of them are on disk, or none.

        Raises:
            LedgerError: the file or its lock was removed or moved since the ledger was opened. The writes took place
                anyway, so nothing is lost if the file was only moved.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'commits'")
            commits = self._db.execute("SELECT value FROM meta WHERE name = 'commits'").fetchone()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._spending.freed()  # by the POSTs that were not recorded after all
            raise
        if self._witness is not None and commits is not None:
            self._witness(int(commits[0]))
        self._check_file()
        self._check_lock()

    def _check_file(self) -> None:
        """Checks that the next run will find the writes: SQLite keeps writing to a moved or removed file."""
        if not is_still_at(self.path, self._file):
            raise LedgerError(
                f"the ledger {str(self.path)!r} was removed or moved while it was in use: nothing new is begun, and paid"
                " jobs stay at the service. Restore it, or pass its new path, and run again: without it they would be"
                " paid for again"
            )

    def _check_lock(self) -> None:
        """Checks that the lock still excludes other runs."""
        if not self._lock.held:
            raise LedgerError(
                f"the lock of the ledger, {self.path.name + '.lock'!r}, was removed or replaced while it was in use, so it"
                " no longer keeps other runs out: nothing new is begun. Run again; nothing is lost or paid twice"
            )

    def check(self) -> None:
        """Checks once that the ledger isn't damaged, before anything relies on its not knowing a track.

        That takes 5 microseconds of CPU time per track, so a run that only finds everything finished doesn't do it.

        Raises:
            LedgerError: the ledger is damaged.
        """
        if not self._checked:
            self._db.check()
            self._checked = True

    def heartbeat(self) -> None:
        """Records that this run is alive."""
        self._db.execute("UPDATE runs SET beat_at = ? WHERE id = ?", (time.time(), self.id))

    def run_row(self, run: str) -> RunRow | None:
        """The record of a run."""
        row = self._db.execute(
            "SELECT id, process, beat_at, ended_at FROM runs WHERE id = ?", [run]
        ).fetchone()
        return RunRow(*row) if row is not None else None

    def account(self) -> tuple[str | None, str | None]:
        """The base URL of the service with the ledger's jobs, and the id of the application that owns the jobs."""
        return meta(self._db, "service"), meta(self._db, "application")

    def keep_account(self, service: str, application: str | None) -> None:
        """Records the base URL and the application's id; see `account`."""
        rows = [("service", service), ("application", application)]
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [row for row in rows if row[1]])

    def doubt(self) -> None:
        """Marks as uncertain the tracks that may have been paid since, in a ledger that lacks its latest changes."""
        lost = [[GIVEN_TO + each] for each in self.condition.lost_shards]
        self._db.executemany("DELETE FROM meta WHERE name = ?", lost)
        for state in JOBLESS:
            self._db.execute(
                "UPDATE tracks SET state = ? WHERE state = ?", [transition(state, "uncertain"), state]
            )

    def began_at(self) -> float:
        """When the first run with this ledger, or with the ledger whose shard it is, began, in seconds since 1970."""
        if self._began_at is None:
            known = meta(self._db, BEGAN_AT)
            row: tuple[float | None] = self._db.execute(
                "SELECT min(at) FROM (SELECT min(began_at) AS at FROM runs UNION ALL SELECT min(seen_at) FROM tracks)"
            ).fetchone()
            self._began_at = float(known) if known is not None else row[0] or 0.0
        return self._began_at

    def leave_folder(self, track: Track) -> Mapping[str, Any]:
        """Gives a track another folder, because its own has results of a job that isn't in this ledger.

        Returns the new values of the track's fields, as `change` does.
        """
        self._db.execute(
            "UPDATE folders SET track = ? WHERE folded = ? AND track = ?",
            [FOREIGN, folded(track.folder), track.key],
        )
        folder = assign_folder(self._db, track.folder, track.key, self._fits)
        return self.change(track, track.state, folder=folder)

    def begin(self) -> None:
        """Removes the rejected inputs of the previous run."""
        self._db.execute("DELETE FROM rejected")

    def reject(self, source: str, reason: str) -> None:
        """Records an input that can't be processed."""
        self._db.execute("INSERT INTO rejected VALUES (?, ?)", [source, reason])

    def recall(self, items: Sequence[InputRow]) -> list[InputRow]:
        """Looks up inputs without writing, and returns the new ones; see `admission.recall`."""
        return admission.recall(self._db, items)

    def admit(self, items: Sequence[InputRow]) -> None:
        """Looks up inputs, and admits the new ones. Called in a transaction; see `admission.admit`."""
        self.check()
        admission.admit(self._db, items)

    def register(self, item: InputRow) -> tuple[Track, bool]:
        """Returns the track of an input whose content and sample are known, and whether the track is new."""
        self.check()
        key = track_key(item.content or "", self.slug, self.input_name, item.params)
        return admission.register(self._db, item, self.tracks([key]).get(key), key, self._fits)

    def track(self, key: str) -> Track:
        """A track by its key."""
        return self.tracks([key])[key]

    def tracks(self, keys: Sequence[str]) -> dict[str, Track]:
        """The tracks with these keys."""
        found = dict[str, Track]()
        for places, part in chunked(keys):
            rows = self._db.execute(f"{_TRACKS} WHERE key IN ({places})", part)
            found.update((row[0], Track(*row)) for row in rows)
        return found

    def places(self, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The source and folder of tracks, by key."""
        found = dict[str, tuple[str, str]]()
        for places, part in chunked(keys):
            rows = self._db.execute(f"SELECT key, source, folder FROM tracks WHERE key IN ({places})", part)  # noqa: S608
            found.update((key, (source, folder)) for key, source, folder in rows)
        return found

    def unfinished(self, options: RunOptions) -> list[Track]:
        """The tracks that a run with these options continues whatever its inputs are, because they cost money."""
        return [Track(*row) for row in self._db.execute(f"{_TRACKS} WHERE {resumed(options)}")]

    def counts(self) -> dict[State, int]:
        """The number of tracks in each state."""
        return state_counts(self._db)

    def change(self, track: Track, state: State, **changes: Any) -> Mapping[str, Any]:
        """Moves a track to a state, on disk, unless another run changed it. Also records its POSTs.

        Returns the new values of the track's fields, which it has in memory once the transaction is on disk.

        Raises:
            Overtaken: another run changed the track. Nothing is written.
            OverBudget: a POST was about to be sent, and the budget doesn't allow it. Nothing is written.
            LedgerError: a POST was about to be sent, but the lock is gone.
        """
        self.check()
        changes |= {"state": transition(track.state, state), "run": self.id}
        if state in SAFE:
            changes["url"] = _unsigned_url(track)  # nothing needs the signature any more
        pays = state in OPEN and "creating_at" in changes
        if pays:
            self._check_lock()
            # In the transaction that records the POST, so that concurrent tracks, and even runs, can't exceed the budget.
            self._spending.reserve(self._db, track.key)
        done = self._db.execute(
            f"UPDATE tracks SET {' = ?, '.join(changes)} = ?"  # noqa: S608
            " WHERE key = ? AND state = ? AND run IS ? AND idempotency_key IS ?",
            [*changes.values(), track.key, track.state, track.run, track.idempotency_key],
        )
        if not done.rowcount:
            self._spending.freed()
            raise Overtaken(f"another run changed {redacted(track.source)!r}")
        if track.state in OPEN and not pays:
            self._spending.freed()
        attempts.record(self._db, track, state, changes, self._run)
        return changes

    def record_job(self, track: Track, job_id: str) -> None:
        """Records the job of a track's POST, even if another run took the track."""
        attempts.record_job(self._db, track, job_id)

    def record_absence(self, track: Track) -> None:
        """Records that the service never received a track's POST."""
        attempts.record_absence(self._db, track)

    def check_budget(self, track: str | None = None) -> None:
        """Checks that the budget allows a POST of a track; None means of any track at all.

        Raises:
            OverBudget: it doesn't.
        """
        self._spending.check(self._db, track)

    def cost(self) -> Cost:
        """What all runs of this ledger have spent."""
        return cost(self._db)

    def has_sample(self, sample: str) -> bool:
        """Whether a track has this sample. If none has, the content is new."""
        return self._db.execute("SELECT 1 FROM tracks WHERE sample = ?", [sample]).fetchone() is not None

    def url(self, track: Track) -> str:
        """The latest URL of a remote input. Its signature may be newer than the one of the track in memory."""
        row: tuple[str | None] = self._db.execute(
            "SELECT url FROM tracks WHERE key = ?", [track.key]
        ).fetchone()
        return row[0] or ""

    def versions(self, track: Track) -> dict[str, tuple[int, int]]:
        """The paths where a track's content was read, each with the file's size and modification time (ns) then."""
        rows = self._db.execute(
            "SELECT source, size, mtime_ns FROM inputs WHERE track = ? AND size IS NOT NULL", [track.key]
        )
        return {source: (size, mtime_ns) for source, size, mtime_ns in rows}

    def keep_outputs(self, track: Track, outputs: Iterable[OutputRecord]) -> None:
        """Records the files of a track that this run has just changed."""
        self._db.execute("DELETE FROM outputs WHERE track = ?", [track.key])
        rows = [(track.key, each.name, each.path, each.size, each.sha256) for each in outputs]
        self._db.executemany("INSERT INTO outputs VALUES (?, ?, ?, ?, ?)", rows)

    def keep_digests(self, track: Track, outputs: Iterable[OutputRecord]) -> None:
        """Records the digests of a track's recorded files. This run must have just changed the track."""
        rows = [(each.sha256, track.key, each.name) for each in outputs]
        self._db.executemany("UPDATE outputs SET sha256 = ? WHERE track = ? AND name = ?", rows)

    def outputs(self, keys: Sequence[str]) -> dict[str, list[OutputRecord]]:
        """The recorded files of tracks, by key; an empty list for a track without any."""
        return outputs_of(self._db, keys)

    def stored_files(self, keys: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
        """The path and size of the recorded files of tracks, by key; an empty list for a track without any."""
        return stored_files_of(self._db, keys)


Journal: TypeAlias = GroupCommit[Ledger]
"""The ledger in the form that the coroutines of a run use."""


def _unsigned_url(track: Track) -> str | None:
    """The URL of a track's input without a signature, by which others could read it; None for an upload."""
    if track.content.startswith("object:"):
        return track.url
    return track.source if track.is_url else None
