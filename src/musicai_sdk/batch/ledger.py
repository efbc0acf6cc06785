"""The ledger: every track's state, on disk before the next step that costs something.

It does no I/O but SQLite's and knows nothing of asyncio. Writes happen inside `transaction`, which is durable
(WAL, `synchronous=FULL`) when it returns.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from musicai_sdk.batch.decide import Options, resumed
from musicai_sdk.batch.errors import LedgerError
from musicai_sdk.batch.folders import Fits, always, settle
from musicai_sdk.batch.locking import FileLock
from musicai_sdk.batch.naming import folded, numbered, safe_folder, told_apart
from musicai_sdk.batch.schema import TRACK_COLUMNS, create_or_open, file_id, real_file
from musicai_sdk.batch.sources import name_of
from musicai_sdk.batch.states import JOBLESS, State, transition
from musicai_sdk.batch.tracks import Track, track_key

_FIELDS = tuple(each.name for each in fields(Track))
_MANY = 400
"""Values in one IN (…) at most."""
_TRIES = 20
"""Numbers that are tried for a folder before it is told apart by a digest."""


@dataclass(slots=True)
class Given:
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
    key: str | None = None
    """Its track's key, when an earlier run had it."""
    state: State | None = None
    """Its track's state then."""


_RECALL = """SELECT json_group_array(json_array(inputs.source, inputs.params, inputs.folder, inputs.size, mtime_ns,
    inputs.content, inputs.sample, track, state)) FROM inputs LEFT JOIN tracks ON tracks.key = inputs.track"""
_Known: TypeAlias = list[Any]
"""An input as the ledger knows it: what `_RECALL` gives."""


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
        self.slug = slug
        self.input_name = input_name
        self._fits = fits
        try:
            self._db = create_or_open(path, slug, input_name, out, alone=alone)
        except BaseException:
            self._lock.release()
            raise
        self._file = file_id(path)

    def close(self) -> None:
        """Closes the file and gives up the lock. Twice is fine."""
        self._db.close()
        self._lock.release()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """A block of writes that is on disk as a whole when it ends, or not at all.

        Raises:
            LedgerError: the file was removed or moved since it was opened. What was written is in it all the same:
                if it was only moved, nothing is lost.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._check_file()

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

    def admit(self, chunk: Sequence[Given]) -> None:
        """Looks up inputs: fills in what earlier runs know of them, and claims a folder for each new one."""
        known = dict[tuple[str, str], _Known]()
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

    def _admit_new(self, given: Given, known: dict[tuple[str, str], _Known]) -> None:
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

    def register(self, given: Given) -> tuple[Track, bool]:
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
            if changes:
                self.change(track, track.state, **changes)
            return track, False
        track = Track(
            key=key,
            state="uploaded" if given.url else "seen",
            source=given.source,
            content=content,
            params=given.params,
            folder=self._settle(given.name, key),
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
        """Moves a track to a state, on disk and in memory."""
        changes["state"] = transition(track.state, state)
        columns = ", ".join(f"{name} = ?" for name in changes)
        self._db.execute(f"UPDATE tracks SET {columns} WHERE key = ?", [*changes.values(), track.key])  # noqa: S608
        for name, value in changes.items():
            setattr(track, name, value)

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
        """Writes down the files of a track: name, path below the output folder, size, sha256."""
        self._db.execute("DELETE FROM outputs WHERE track = ?", [track.key])
        rows = [(track.key, *output) for output in outputs]
        self._db.executemany("INSERT INTO outputs VALUES (?, ?, ?, ?, ?)", rows)

    def outputs(self, track: Track) -> list[tuple[str, str, int, str | None]]:
        """What `keep_outputs` wrote."""
        return self._db.execute(
            "SELECT name, path, size, sha256 FROM outputs WHERE track = ?", [track.key]
        ).fetchall()

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

    def _claim(self, given: Given) -> str:
        """A folder of its own for an input: the wish made safe, with a number if another input has that one."""
        wish, number = safe_folder(given.name or name_of(given.source)), 1
        while True:
            folder = numbered(wish, number)
            if number > _TRIES:  # a catalogue in which every file is called the same
                folder = told_apart(wish, track_key(given.source, "", "", given.params))
            done = self._db.execute(
                "INSERT INTO inputs (source, params, url, folder, folded) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (folded) DO NOTHING",
                (given.source, given.params, given.url, folder, folded(folder)),
            )
            if done.rowcount:
                return folder
            number += 1

    def _settle(self, wish: str, key: str) -> str:
        """A folder of its own for a new track: the input's, unless that has the results of an earlier content.

        The input's claim stays as it is: that folder is never free again.
        """
        return settle(self._db, wish, key, self._fits)
