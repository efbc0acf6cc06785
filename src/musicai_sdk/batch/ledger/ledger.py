"""The ledger: every track's state, on disk before the next step that costs something.

It does no I/O but SQLite's and knows nothing of asyncio. Writes happen inside `transaction`, which is durable
(WAL, `synchronous=FULL`) when it returns.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

from musicai_sdk.batch.engine.decide import Options, resumed
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.events import redacted
from musicai_sdk.batch.inputs.kinds import name_of
from musicai_sdk.batch.ledger import attempts, processes
from musicai_sdk.batch.ledger.claim import Claim
from musicai_sdk.batch.ledger.database import (
    IN_USE,
    TRACK_COLUMNS,
    Opened,
    create_or_open,
    file_id,
    real_file,
)
from musicai_sdk.batch.ledger.legacy_identity import recall_legacy
from musicai_sdk.batch.ledger.lock import FileLock
from musicai_sdk.batch.ledger.states import JOBLESS, OPEN, State, transition
from musicai_sdk.batch.ledger.track import Track, track_key
from musicai_sdk.batch.results.folder_names import folded, numbered, safe_folder, with_suffix
from musicai_sdk.batch.results.folders import Fits, always, assign_folder
from musicai_sdk.batch.results.vanished import Damage, Recorded, ResultCheck, recorded

_FIELDS = tuple(each.name for each in fields(Track))
_MANY = 400
"""Values in one IN (…) at most."""
_TRIES = 20
"""Numbers that are tried for a folder before it is told apart by a digest."""


@dataclass(slots=True)
class InputRow:
    """An input as a run meets it."""

    source: str
    """The absolute path, or the URL without its signature."""
    params: str
    """Canonical JSON by wire name."""
    name: str
    """Where its results go: by wish, which may be empty; once it is admitted, by a claim of this or an earlier run.

    No two tracks share a folder: the results of an input's later contents go to `name (12 digits of the track's key)`.
    """
    url: str | None = None
    """The whole URL of a remote input."""
    size: int | None = None
    """Bytes, of a file."""
    mtime_ns: int | None = None
    content: str | None = None
    """Its digest, when it is known and still true."""
    sample: str | None = None
    """See `Track.sample`."""
    legacy_source: str | None = None
    """Of a URL that 2.0.0 took for another one: the source under which a ledger of that version has it."""
    key: str | None = None
    """Its track's key, when an earlier run had it."""
    state: State | None = None
    """Its track's state then."""


_RECALL = """SELECT json_group_array(json_array(inputs.source, inputs.params, inputs.folder, inputs.size, mtime_ns,
    inputs.content, inputs.sample, track, state)) FROM inputs LEFT JOIN tracks ON tracks.key = inputs.track"""
_Known: TypeAlias = list[Any]
"""An input as the ledger knows it: what `_RECALL` gives."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """Who has, or had, a ledger open."""

    id: str
    process: str
    """See `processes`."""
    beat_at: float
    """When it said last that it was alive, in seconds since 1970 on its own clock."""
    ended_at: float | None
    """When it closed the ledger."""


class Overtaken(Exception):  # noqa: N818 - nothing is wrong with the track
    """Another run has changed a track since this one has read it: what this one wanted to write isn't true any more."""


class Ledger:
    """An open ledger of one workflow; nobody else can run it meanwhile."""

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
        may_begin: Callable[[], object] = dict,
    ) -> None:
        """Opens or makes it.

        Args:
            path: The file; folders above it are made.
            slug: The workflow's slug.
            input_name: The wire name of the parameter that takes the track.
            out: The output folder, for reports; one that is known already stays, see `places.belongs_to`.
            alone: As a shard has it: without readers, so that it may be on a network file system.
            patience: Seconds to wait for another process to let go of it.
            fits: Whether a new track's results can have a folder of that name; see `room_in`.
            run: The run that POSTs are written down for: that of all shards together; one of its own when left out.
            may_begin: Called before a new ledger is made; raises if it may not be.

        Raises:
            LedgerLockedError: another process runs it.
            LedgerVersionError: a newer version wrote it.
            LedgerMismatchError: it is another workflow's.
            LedgerError: it can't be used.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path = real_file(path)
            self._lock = FileLock(path.with_name(path.name + ".lock"), patience=patience)
        except OSError as error:
            raise LedgerError(f"the ledger {str(path)!r} can't be opened: {error}") from None
        self.path: Path = path
        self.slug: str = slug
        self.input_name: str = input_name
        self.id: str = uuid.uuid4().hex
        """This opening of the ledger: what tracks are claimed by."""
        self._run = run or self.id
        self._fits = fits
        self._alone = alone
        self._witness: Claim | None = None
        self._in_use = False
        try:
            opened = create_or_open(path, slug, input_name, out, alone=alone, may_begin=may_begin)
        except BaseException:
            self._lock.release()
            raise
        self._db: sqlite3.Connection = opened[0]
        self.opened: Opened = opened[1]
        """How the file was found."""
        self._file = file_id(path)

    def use(self, claim: Claim | None = None) -> None:
        """Begins to work on it: notes who does, and marks the file so that a copy without its latest changes is known.

        Args:
            claim: What is told of each commit.
        """
        now = time.time()
        self._witness = claim
        with self.transaction() as db:
            db.execute(
                "INSERT INTO runs (id, process, began_at, beat_at) VALUES (?, ?, ?, ?)",
                (self.id, processes.opened(self.id), now, now),
            )
            if not self._alone:
                db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (IN_USE, self.id))
        self._in_use = True
        if not self._alone:
            # Into the file itself. A reader that is in the middle of something may hold that up; then it waits a while.
            busy, pages, done = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if busy or pages != done:
                self._db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()

    def close(self) -> None:
        """Closes the file and gives up the lock. Twice is fine."""
        try:
            if self._in_use:
                self._in_use = False
                # If it can't be written any more, the next run finds it as after a crash.
                with suppress(LedgerError, sqlite3.Error), self.transaction() as db:
                    db.execute("DELETE FROM meta WHERE name = ? AND value = ?", (IN_USE, self.id))
                    db.execute("UPDATE runs SET ended_at = ? WHERE id = ?", (time.time(), self.id))
        finally:
            processes.closed(self.id)
            self._db.close()
            self._lock.release()
            if self._witness is not None:
                self._witness.close()

    def heartbeat(self) -> None:
        """Says that this run is alive."""
        self._db.execute("UPDATE runs SET beat_at = ? WHERE id = ?", (time.time(), self.id))

    def account(self) -> tuple[str | None, str | None]:
        """The base URL of the service that its jobs are at, and the id of the application that they belong to."""
        found: dict[str, str] = dict(
            self._db.execute(
                "SELECT name, value FROM meta WHERE name IN ('service', 'application')"
            ).fetchall()
        )
        return found.get("service"), found.get("application")

    def keep_account(self, service: str, application: str | None) -> None:
        """Notes them."""
        rows = [("service", service), ("application", application)]
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [row for row in rows if row[1]])

    def run_row(self, run: str) -> RunRow | None:
        """What is known of a run."""
        row = self._db.execute(
            "SELECT id, process, beat_at, ended_at FROM runs WHERE id = ?", [run]
        ).fetchone()
        return RunRow(*row) if row is not None else None

    def doubt(self) -> None:
        """Makes uncertain what may have been paid since, in a ledger that lacks its latest changes."""
        for state in JOBLESS:
            self._db.execute(
                "UPDATE tracks SET state = ? WHERE state = ?", [transition(state, "uncertain"), state]
            )

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """A block of writes that is on disk as a whole when it ends, or not at all.

        Raises:
            LedgerError: the file or its lock was removed or moved since it was opened. What was written is in it all the
                same: if it was only moved, nothing is lost.
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
            raise
        if self._witness is not None and commits is not None:
            self._witness.witness(int(commits[0]))
        self._check_file()
        self._check_lock()

    def _check_file(self) -> None:
        """Sees that the next run will find what was written: SQLite goes on with a file that has lost its name."""
        now = file_id(self.path)
        # Where there are no inodes, one file can't be told from another.
        if now is None or (self._file is not None and 0 not in (now[1], self._file[1]) and now != self._file):
            raise LedgerError(
                f"the ledger {str(self.path)!r} was removed or moved while it was in use: nothing new is begun, and"
                " jobs that are paid for stay at the service. Put it back, or name its new place, and run again:"
                " without it they would be paid for once more"
            )

    def _check_lock(self) -> None:
        """Sees that the lock still keeps others out."""
        if not self._lock.held:
            raise LedgerError(
                f"the lock of the ledger, {self.path.name + '.lock'!r}, was removed or replaced while it was in use, so it"
                " keeps no other run out: nothing new is begun. Run again; nothing is lost, and nothing is paid twice"
            )

    def admit(self, chunk: Sequence[InputRow]) -> None:
        """Looks up inputs: fills in what earlier runs know of them, and claims a folder for each new one."""
        known = dict[tuple[str, str], _Known]()
        for given in chunk:
            recall_legacy(self._db, given)
        for start in range(0, len(chunk), _MANY):
            sources = [given.source for given in chunk[start : start + _MANY]]
            marks = ", ".join("?" * len(sources))
            # One row of JSON, because Python's lock changes hands for every row that SQLite gives: beside a
            # thread that is walking through a folder, a hundred thousand rows would take a second longer.
            text: str = self._db.execute(f"{_RECALL} WHERE inputs.source IN ({marks})", sources).fetchone()[0]
            for row in json.loads(text):
                known[row[0], row[1]] = row
        for given in chunk:
            found = known.get((given.source, given.params))
            if found is None:
                self._admit_new(given, known)
                continue
            _, _, given.name, size, mtime_ns, content, sample, key, state = found
            if size == given.size and mtime_ns == given.mtime_ns:
                given.content, given.sample = content or given.content, sample
                given.key, given.state = key, state

    def _admit_new(self, given: InputRow, known: dict[tuple[str, str], _Known]) -> None:
        given.name = self._claim(given)
        # It may come twice.
        known[given.source, given.params] = [given.source, given.params, given.name, *[None] * 6]
        # The same file with other parameters: its content needn't be read again.
        row = self._db.execute(
            "SELECT content, sample FROM inputs"
            " WHERE source = ? AND size = ? AND mtime_ns = ? AND content IS NOT NULL",
            (given.source, given.size, given.mtime_ns),
        ).fetchone()
        if row is not None:
            given.content, given.sample = row

    def track(self, key: str) -> Track:
        """A track by its key."""
        return self._tracks([key])[key]

    def register(self, given: InputRow) -> tuple[Track, bool]:
        """The track of an input whose content and sample are known now, and whether it is a new one."""
        content, sample = given.content or "", given.sample or ""
        key = track_key(content, self.slug, self.input_name, given.params)
        columns = (given.size, given.mtime_ns, content, sample, key, given.url)
        self._db.execute(
            "UPDATE inputs SET size = ?, mtime_ns = ?, content = ?, sample = ?, track = ?, url = ?"
            " WHERE source = ? AND params = ?",
            (*columns, given.source, given.params),
        )
        track = self._tracks([key]).get(key)
        if track is not None:
            changes = dict[str, Any]()
            if (track.resume_at if track.state == "failed" else track.state) in JOBLESS:
                changes["source"] = given.source  # the path that is there now
            if track.is_url:
                changes["url"] = given.url
            self._describe(track, changes)
            return track, False
        track = Track(
            key=key,
            state="uploaded" if given.url else "seen",
            source=given.source,
            content=content,
            params=given.params,
            folder=self._assign_folder(given.name, key),
            sample=sample,
            size=given.size,
            url=given.url,
            seen_at=time.time(),
        )
        marks = ", ".join("?" * len(_FIELDS))
        self._db.execute(
            f"INSERT INTO tracks ({TRACK_COLUMNS}) VALUES ({marks})",  # noqa: S608
            [getattr(track, name) for name in _FIELDS],
        )
        return track, True

    def change(self, track: Track, state: State, **changes: Any) -> None:
        """Moves a track to a state, on disk and in memory, if it still is as it is known here.

        What that says of its paid POSTs is written down with it.

        Raises:
            Overtaken: another run has changed it meanwhile. Nothing is written.
            LedgerError: a POST is about to leave, and the lock is gone.
        """
        before = replace(track)
        changes |= {"state": transition(track.state, state), "run": self.id}
        if state in OPEN and "creating_at" in changes:
            self._check_lock()
        columns = ", ".join(f"{name} = ?" for name in changes)
        done = self._db.execute(
            f"UPDATE tracks SET {columns}"  # noqa: S608
            " WHERE key = ? AND state = ? AND run IS ? AND idempotency_key IS ?",
            [*changes.values(), track.key, track.state, track.run, track.idempotency_key],
        )
        if not done.rowcount:
            raise Overtaken(f"another run has changed {redacted(track.source)!r}")
        attempts.follow(self._db, before, state, changes, self._run)
        for name, value in changes.items():
            setattr(track, name, value)

    def _describe(self, track: Track, columns: Mapping[str, Any]) -> None:
        """Changes what is known of a track's input; that is nobody's in particular."""
        if columns:
            names = ", ".join(f"{name} = ?" for name in columns)
            self._db.execute(f"UPDATE tracks SET {names} WHERE key = ?", [*columns.values(), track.key])  # noqa: S608
        for name, value in columns.items():
            setattr(track, name, value)

    def found_job(self, track: Track, job_id: str) -> None:
        """Writes down the job of a track's POST although another run has taken the track."""
        attempts.made(self._db, track, job_id)

    def absent(self, track: Track) -> None:
        """Writes down that a track's POST was certainly never received."""
        attempts.absent(self._db, track)

    def url(self, track: Track) -> str | None:
        """The address of a remote input as it was met last: its signature may be a fresher one than the track's."""
        row: tuple[str | None] = self._db.execute(
            "SELECT url FROM tracks WHERE key = ?", [track.key]
        ).fetchone()
        return row[0]

    def versions(self, track: Track) -> dict[str, tuple[int, int]]:
        """The paths at which a track's content was read, with the file's size and time of change (ns) then."""
        rows = self._db.execute(
            "SELECT source, size, mtime_ns FROM inputs WHERE track = ? AND size IS NOT NULL", [track.key]
        )
        return {source: (size, mtime_ns) for source, size, mtime_ns in rows}

    def keep_outputs(self, track: Track, outputs: Iterable[tuple[str, str, int, str | None]]) -> None:
        """Writes down the files of a track: name, path below the output folder, size, sha256.

        Raises:
            Overtaken: another run has taken the track meanwhile. Nothing is written.
        """
        row: tuple[str | None] | None = self._db.execute(
            "SELECT run FROM tracks WHERE key = ?", [track.key]
        ).fetchone()
        if row is not None and row[0] != track.run:
            raise Overtaken(f"another run has taken {redacted(track.source)!r}")
        self._db.execute("DELETE FROM outputs WHERE track = ?", [track.key])
        rows = [(track.key, *output) for output in outputs]
        self._db.executemany("INSERT INTO outputs VALUES (?, ?, ?, ?, ?)", rows)

    def outputs(self, track: Track) -> list[tuple[str, str, int, str | None]]:
        """What `keep_outputs` wrote."""
        return self._db.execute(
            "SELECT name, path, size, sha256 FROM outputs WHERE track = ?", [track.key]
        ).fetchall()

    def recorded(self, keys: Collection[str]) -> Recorded:
        """The files of finished tracks, by their keys."""
        return recorded(self._db, keys)

    def damaged(self, results: ResultCheck) -> list[Damage]:
        """The tracks that a run has skipped although their results have gone."""
        return results.damaged(self._db)

    def reject(self, source: str, reason: str) -> None:
        """Notes an input that can't be processed."""
        self._db.execute("INSERT INTO rejected VALUES (?, ?)", [source, reason])

    def begin(self) -> None:
        """Forgets what was rejected in the run before."""
        self._db.execute("DELETE FROM rejected")

    def unfinished(self, options: Options) -> Iterator[Track]:
        """The tracks that a run with these options goes on with whatever its inputs are: money is in them."""
        sql = f"SELECT {TRACK_COLUMNS} FROM tracks WHERE {resumed(options)}"  # noqa: S608
        for row in self._db.execute(sql).fetchall():
            yield Track(*row)

    def counts(self) -> dict[State, int]:
        """How many tracks there are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM tracks GROUP BY state").fetchall())

    def _tracks(self, keys: Iterable[str]) -> dict[str, Track]:
        wanted, found = list(keys), dict[str, Track]()
        for start in range(0, len(wanted), _MANY):
            part = wanted[start : start + _MANY]
            sql = f"SELECT {TRACK_COLUMNS} FROM tracks WHERE key IN ({', '.join('?' * len(part))})"  # noqa: S608
            found.update((row[0], Track(*row)) for row in self._db.execute(sql, part))
        return found

    def _claim(self, given: InputRow) -> str:
        """A folder of its own for an input: the wish made safe, with a number if another input has that one."""
        wish, number = safe_folder(given.name or name_of(given.source)), 1
        while True:
            folder = numbered(wish, number)
            if number > _TRIES:  # a catalogue in which every file is called the same
                folder = with_suffix(wish, track_key(given.source, "", "", given.params))
            done = self._db.execute(
                "INSERT INTO inputs (source, params, url, folder, folded) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (folded) DO NOTHING",
                (given.source, given.params, given.url, folder, folded(folder)),
            )
            if done.rowcount:
                return folder
            number += 1

    def _assign_folder(self, wish: str, key: str) -> str:
        """A folder of its own for a new track: the input's, unless that has the results of an earlier content.

        The input's claim stays as it is: that folder is never free again.
        """
        return assign_folder(self._db, wish, key, self._fits)
