"""The sandbox in its own process, with a record of all requested jobs."""

from __future__ import annotations

import json
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

# The sandbox forgets deleted jobs, so a trigger records every accepted job in the same transaction.
_WITNESS = """
CREATE TABLE chaos_witness (seq INTEGER PRIMARY KEY, metadata TEXT, params TEXT, created_at REAL, failed_at REAL);
CREATE TRIGGER chaos_accepted AFTER INSERT ON jobs BEGIN
    INSERT INTO chaos_witness VALUES (new.seq, new.metadata, new.params, new.created_at, NULL); END;
CREATE TRIGGER chaos_failed AFTER UPDATE ON jobs WHEN new.status = 'FAILED' BEGIN
    UPDATE chaos_witness SET failed_at = new.completed_at WHERE seq = new.seq; END;
"""


@dataclass(frozen=True)
class Accepted:
    """A job that the service accepted, and that must be paid for."""

    key: str
    """The idempotency key."""
    md5: str
    """The digest of the input in base64; empty if it wasn't an upload."""
    created_at: float
    failed_at: float | None
    """The time at which it ended as FAILED."""


class Service:
    """A running sandbox."""

    def __init__(self, variables: Mapping[str, str], database: Path) -> None:
        self.variables = variables
        self.key = variables["MUSIC_AI_API_KEY"]
        self._database = database
        self._admin = variables["MUSIC_AI_BASE_URL"].removesuffix("/v1") + "/__sandbox__"
        self._names = dict[str, str]()
        with closing(sqlite3.connect(database)) as connection:
            connection.executescript(_WITNESS)

    def add_faults(self, rules: Iterable[tuple[str, dict[str, Any]]]) -> None:
        with httpx.Client(timeout=30) as client:
            for name, rule in rules:
                answer = client.post(f"{self._admin}/faults", json=rule)
                if answer.is_error:
                    raise RuntimeError(f"the sandbox refuses {rule}: {answer.text}")
                self._names[answer.json()["id"]] = name

    def requests(self) -> tuple[int, Counter[str]]:
        """The number of requests that could get a fault, and the counts of faults by name."""
        faults = httpx.get(f"{self._admin}/faults", timeout=30).json()
        calls = dict[str, int]()
        hits = Counter[str]()
        for fault in faults:
            # All rules of a route see each of its requests, except while they are being added.
            calls[fault["route"]] = max(fault["calls"], calls.get(fault["route"], 0))
            hits[self._names[fault["id"]]] += fault["hits"]
        return sum(calls.values()), +hits

    def accepted(self) -> int:
        """The number of jobs that it has accepted so far."""
        return int(self._rows("SELECT count(*) FROM chaos_witness")[0][0])

    def jobs(self) -> list[Accepted]:
        """All jobs that it has accepted, in order, including deleted ones."""
        uploads: dict[str, str] = dict(self._rows("SELECT key, md5 FROM objects WHERE job IS NULL"))
        found = list[Accepted]()
        for metadata, params, created_at, failed_at in self._rows(
            "SELECT metadata, params, created_at, failed_at FROM chaos_witness ORDER BY seq"
        ):
            url: str = json.loads(params).get("file", "")
            upload = unquote(urlsplit(url).path).removeprefix("/")
            key = str(json.loads(metadata).get("musicai_sdk.idempotency_key"))
            found.append(Accepted(key, uploads.get(upload, ""), created_at, failed_at))
        return found

    def left(self) -> Counter[str]:
        """The number of existing jobs by status."""
        return Counter(status for (status,) in self._rows("SELECT status FROM jobs"))

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._database, timeout=30)) as connection:
            return connection.execute(sql).fetchall()


def duplicates(jobs: Iterable[Accepted], wanted: Iterable[str]) -> int:
    """The number of jobs that should not have been requested.

    A track's next job is right only when the one before had ended as FAILED, and it has a key of its own.
    """
    jobs = list(jobs)
    of_content = defaultdict[str, list[Accepted]](list)
    for job in jobs:
        of_content[job.md5].append(job)
    known = set(wanted)
    wrong = sum(len(each) for md5, each in of_content.items() if md5 not in known)
    for md5 in known & of_content.keys():
        each = of_content[md5]
        for before, after in pairwise(each):
            wrong += before.failed_at is None or before.failed_at > after.created_at
    repeated = sum(count - 1 for count in Counter(job.key for job in jobs).values())
    return max(wrong, repeated)


@contextmanager
def running(folder: Path, slots: int, seed: int) -> Generator[Service]:
    """Runs the sandbox until the end of the block."""
    command = [sys.executable, "-m", "musicai_sdk.sandbox", "--data-dir", str(folder)]
    process = subprocess.Popen(
        [*command, "--plan", str(slots), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C must reach only this script, which ends the sandbox itself.
    )
    try:
        assert process.stdout is not None
        variables = dict[str, str]()
        while (line := process.stdout.readline()).startswith("export "):
            name, _, value = shlex.split(line)[1].partition("=")
            variables[name] = value
        if not variables:
            raise RuntimeError("the sandbox didn't start")
        yield Service(variables, folder / "sandbox.sqlite3")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
