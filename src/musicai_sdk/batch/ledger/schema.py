"""The tables of a ledger."""

from __future__ import annotations

VERSION = 4
"""The version of the tables, stored in the file's `user_version`."""
WITH_FOLDERS = 2
"""The version that added `folders`."""
WITH_ATTEMPTS = 3
"""The version that added `runs`, `job_attempts` and `tracks.run`."""
WITH_LENGTHS = 4
"""The version that added `audio_ms` to `tracks`, `job_attempts` and `queue`."""

FOLDERS = """
-- The track that owns a folder. A folder never changes its owner, also when an input gets new content.
CREATE TABLE folders (folded TEXT PRIMARY KEY, track TEXT NOT NULL) WITHOUT ROWID;
"""
RUNS = """
-- Who has opened this ledger, and the latest heartbeat of each.
CREATE TABLE runs (
    id TEXT PRIMARY KEY, process TEXT NOT NULL, began_at REAL NOT NULL, beat_at REAL NOT NULL, ended_at REAL
) WITHOUT ROWID;
"""
ATTEMPTS = """
-- Every paid POST, written before it is sent. Rows are added and completed, never removed.
CREATE TABLE job_attempts (
    track TEXT NOT NULL, number INTEGER NOT NULL, idempotency_key TEXT NOT NULL, reason TEXT NOT NULL,
    run TEXT NOT NULL, sent_at REAL, job_id TEXT, outcome TEXT NOT NULL, code TEXT, ended_at REAL, deleted_at REAL,
    audio_ms INTEGER, PRIMARY KEY (track, number)
) WITHOUT ROWID;
"""


def tables(track_columns: str) -> str:
    """The statements that create all tables.

    Args:
        track_columns: The columns of `tracks`, which are the fields of `Track`.
    """
    return f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tracks ({track_columns}, PRIMARY KEY (key));
CREATE INDEX tracks_by_state ON tracks (state);
CREATE INDEX tracks_by_sample ON tracks (sample);
-- A path or URL with its parameters. size and mtime_ns tell whether the known content is still current.
CREATE TABLE inputs (
    source TEXT NOT NULL, params TEXT NOT NULL, url TEXT, folder TEXT NOT NULL, folded TEXT NOT NULL UNIQUE,
    size INTEGER, mtime_ns INTEGER, content TEXT, sample TEXT, track TEXT, PRIMARY KEY (source, params)
) WITHOUT ROWID;
CREATE INDEX inputs_by_track ON inputs (track);
CREATE TABLE outputs (
    track TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT,
    PRIMARY KEY (track, name)
) WITHOUT ROWID;
-- Inputs of the latest run that couldn't be processed.
CREATE TABLE rejected (source TEXT NOT NULL, reason TEXT NOT NULL);
-- In a shard's ledger: the inputs that it is to process.
CREATE TABLE queue (source TEXT NOT NULL, params TEXT NOT NULL, url TEXT, folder TEXT NOT NULL, audio_ms INTEGER);
{FOLDERS}{RUNS}{ATTEMPTS}"""
