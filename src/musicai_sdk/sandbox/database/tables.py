"""The tables of the sandbox's database."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS applications (id TEXT PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, application TEXT NOT NULL,
    name TEXT NOT NULL, batch_name TEXT, metadata TEXT NOT NULL, workflow TEXT NOT NULL, params TEXT NOT NULL,
    copy_results_to TEXT NOT NULL, status TEXT NOT NULL, result TEXT, error TEXT,
    created_at REAL NOT NULL, started_at REAL, completed_at REAL);
CREATE INDEX IF NOT EXISTS jobs_of_application ON jobs (application, seq);
CREATE TABLE IF NOT EXISTS objects (
    key TEXT PRIMARY KEY, blob TEXT NOT NULL, size INTEGER NOT NULL, content_type TEXT NOT NULL,
    md5 TEXT NOT NULL, crc32c TEXT NOT NULL, modified REAL NOT NULL, job INTEGER);
CREATE INDEX IF NOT EXISTS objects_of_job ON objects (job);
"""
JOB = (
    "SELECT jobs.seq, jobs.id, applications.name, jobs.name, batch_name, metadata, workflow, params,"
    " copy_results_to, status, result, error, created_at, started_at, completed_at"
    " FROM jobs JOIN applications ON applications.id = jobs.application"
)
"""The beginning of every query for jobs, with the columns in the order of `JobRecord`."""
