"""Runs that are killed and restarted until one has left nothing to do."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from searching import LEDGER  # beside this file
from service import Service

from musicai_sdk.batch import open_ledger

RUNNER = Path(__file__).with_name("runner.py")
IN_FLIGHT = 48
"""Jobs at the service at a time, the limit of its plan."""
LAST_RUNS = 15
"""Runs after the last kill within which everything must be done."""
LONGEST_PAUSE = 1.5
"""Seconds between the moment at which a kill is due and the kill, so that runs are also killed while they start."""


@dataclass
class ProgressTracker:
    """Counts of runs and kills."""

    kills: int = 0
    runs: int = 0
    crashed: list[str] = field(default_factory=list[str])
    """The last lines of runs that ended with an error and not by a kill."""


class Runs:
    """The runs over one folder of inputs."""

    def __init__(
        self, folder: Path, jobs: int, kills: int, seed: int, service: Service, max_jobs: int | None = None
    ) -> None:
        self.folder = folder
        self.source, self.out, self.logs = folder / "in", folder / "out", folder / "logs"
        self.temporary = folder / "tmp"
        for each in (self.out, self.logs, self.temporary):
            each.mkdir()
        self.jobs = jobs
        self.service = service
        self.max_jobs = max_jobs
        """The limit of all runs; None when there is none, or no longer one."""
        self.at_limit = (0, 0)
        """The paid requests in the ledger and the jobs at the service when a run has reached the limit."""
        self.tally = ProgressTracker()
        self._draw = random.Random(f"{seed}/kills")
        # Each kill in its own part of the run, the last one while the last jobs are still unfinished.
        payable = min(jobs, max_jobs or jobs)
        self._due = [int(payable * (number + self._draw.random()) / kills * 0.97) for number in range(kills)]
        self._deadline = time.monotonic() + 300 + jobs

    def run(self) -> None:
        """Starts runs and kills them, until a run after the last kill has left nothing to do."""
        last_runs = 0
        while last_runs < LAST_RUNS and not self._all_done():
            process = self._start()
            try:
                if self._due and self._killed(process):
                    self._due.pop(0)
                    self.tally.kills += 1
                    self._say("killed")
                    continue
                process.wait(max(1, self._deadline - time.monotonic()))
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
            last_runs += 1
            self._say(f"ended with exit code {process.returncode}")
            if self.max_jobs is not None and not self._due and self._paid() >= self.max_jobs:
                self.at_limit = (self._paid(), self.service.accepted())
                self.max_jobs = None
                self._say(f"reached the limit, which is {self.at_limit[0]}; the next run has none")
            if process.returncode:
                errors = self._log(".err").read_text(encoding="utf-8").splitlines()
                self.tally.crashed.append(f"run {self.tally.runs}: {errors[-1] if errors else '?'}")

    def states(self) -> Counter[str]:
        """The number of tracks in the ledger by state."""
        if not (self.out / LEDGER).exists():
            return Counter()
        with closing(sqlite3.connect(self.out / LEDGER, timeout=30)) as database:
            if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'tracks'").fetchone():
                return Counter()
            return Counter(dict(database.execute("SELECT state, count(*) FROM tracks GROUP BY state")))

    def _paid(self) -> int:
        """The number of paid requests in the ledger that the limit counts."""
        with open_ledger(self.out / LEDGER) as view:
            return view.cost().jobs

    def _all_done(self) -> bool:
        return self.states() == {"deleted": self.jobs}

    def _start(self) -> subprocess.Popen[bytes]:
        self.tally.runs += 1
        arguments = [self.source, self.out, self._log(".log"), IN_FLIGHT, self.max_jobs or 0]
        variables = {**os.environ, **self.service.variables, "TMPDIR": str(self.temporary)}
        with self._log(".out").open("wb") as output, self._log(".err").open("wb") as errors:
            return subprocess.Popen(
                [sys.executable, "-W", "error", str(RUNNER), *map(str, arguments)],
                env=variables,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )

    def _log(self, suffix: str) -> Path:
        return self.logs / f"run-{self.tally.runs:03}{suffix}"

    def _killed(self, process: subprocess.Popen[bytes]) -> bool:
        """Kills the run when it is due; False if it has ended before."""
        pause = self._draw.uniform(0, LONGEST_PAUSE)
        while self.service.accepted() < self._due[0]:
            if process.poll() is not None or time.monotonic() > self._deadline:
                return False
            time.sleep(0.02)
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return process.wait() == -signal.SIGKILL
        return False

    def _say(self, what: str) -> None:
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.states().items()))
        print(f"run {self.tally.runs} {what}: {states or 'nothing yet'}", file=sys.stderr, flush=True)
