"""Inputs, a sandbox in its own process, and runs that can be killed."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
import wave
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from musicai_sdk import Job, MusicAiClient
from musicai_sdk.batch import Batch, State, Track
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.sandbox import Sandbox

SCALE = float(os.environ.get("MUSICAI_TEST_SCALE", "1"))
"""The factor for the sizes of runs: with `MUSICAI_TEST_SCALE=5`, a run of 300 tracks is killed three times."""

RUNNER = Path(__file__).with_name("batch_runner.py")


def make_tracks(folder: Path, count: int, start: int = 0) -> list[Path]:
    """Tiny files with different contents."""
    paths = [folder / f"part {number % 7}" / f"track {number}.wav" for number in range(start, start + count)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF\0\0\0\0WAVE" + f"{path.name} ".encode() * 40)
    return paths


def make_wavs(folder: Path, seconds: Sequence[float]) -> list[Path]:
    """WAV files of these lengths with different contents."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"song {number:03}.wav" for number in range(len(seconds))]
    for number, (path, length) in enumerate(zip(paths, seconds, strict=True)):
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 1, 1000, 0, "NONE", ""))
            file.writeframes(number.to_bytes(2, "big") + bytes(int(length * 1000) - 2))
    return paths


def echo(sandbox: Sandbox, inputs: Any, out: Path, **options: Any) -> Batch:
    """A batch with the workflow that returns its input."""
    defaults: dict[str, Any] = {
        "in_flight": 10,
        "poll_interval": 0.2,
        "grace": 1.0,
        "connect": sandbox.async_client,
    }
    return Batch("sdk-test", inputs, out, input_name="file", **(defaults | options))


def leftovers(out: Path) -> list[Path]:
    """Files that must not be left after a run."""
    return [
        path for path in out.rglob("*") if ".part" in path.name or ".shards" in path.name or "~" in path.name
    ]


def posts(sandbox: Sandbox) -> int:
    """The number of requests to create a job."""
    return sum(entry.method == "POST" and entry.path == "/v1/job" for entry in sandbox.requests)


@dataclass(frozen=True)
class Service:
    """A sandbox in another process."""

    variables: Mapping[str, str]

    @property
    def client(self) -> MusicAiClient:
        return MusicAiClient(self.variables["MUSIC_AI_API_KEY"], base_url=self.variables["MUSIC_AI_BASE_URL"])

    def jobs(self) -> list[Job[Any]]:
        with self.client as client:
            return list(client.jobs.list())

    def add_fault(self, route: str, **options: Any) -> None:
        self._tell("faults", {"route": route, **options})

    def hits(self) -> int:
        """The number of requests with a fault."""
        origin = self.variables["MUSIC_AI_BASE_URL"].removesuffix("/v1")
        faults = httpx.get(f"{origin}/__sandbox__/faults", timeout=30).json()
        return sum(fault["hits"] for fault in faults)

    def reset(self) -> None:
        self._tell("reset", {})

    def _tell(self, what: str, body: dict[str, Any]) -> None:
        origin = self.variables["MUSIC_AI_BASE_URL"].removesuffix("/v1")
        answer = httpx.post(f"{origin}/__sandbox__/{what}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables}

    def start(self, source: Path, out: Path, **options: Any) -> subprocess.Popen[bytes]:
        """Starts a run in its own process."""
        arguments = json.dumps({"inputs": str(source), "out": str(out), "input_name": "file", **options})
        command = [sys.executable, "-W", "error", str(RUNNER), arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, start_new_session=True)

    def run(self, source: Path, out: Path, **options: Any) -> dict[str, Any]:
        """Runs to the end. Returns the progress."""
        process = self.start(source, out, **options)
        output, _ = process.communicate(timeout=110)
        assert process.returncode == 0, process.returncode
        return json.loads(output.splitlines()[-1])  # type: ignore[no-any-return]


@contextmanager
def service(folder: Path, *arguments: str) -> Generator[Service]:
    """Runs the sandbox in another process."""
    command = [sys.executable, "-m", "musicai_sdk.sandbox", "--data-dir", str(folder), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        variables = dict[str, str]()
        while (line := process.stdout.readline()).startswith("export "):
            name, _, value = shlex.split(line)[1].partition("=")
            variables[name] = value
        yield Service(variables)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def kill(process: subprocess.Popen[Any]) -> None:
    """Kills a process, as a power cut would."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def wait_until(condition: Any, seconds: float = 30, *, process: subprocess.Popen[Any] | None = None) -> None:
    """Waits for a condition, which a process may have to bring about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, f"the process ended with {process.returncode}"
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def results(out: Path, folders: Iterable[str]) -> list[Path]:
    """The result files of tracks, by folder."""
    return [next((out / folder).glob("file.*")) for folder in folders]


def lost_post(sandbox: Sandbox, inputs: Any, out: Path) -> None:
    """A POST whose job was created but isn't listed yet, and whose answer was lost."""
    sandbox.faults.add("POST /job", reset="after", nth=1)
    sandbox.faults.add("GET /job", body=[])
    report = echo(sandbox, inputs, out, grace=0.0).run()
    sandbox.faults.clear()
    assert (report.progress.states, len(sandbox.jobs)) == ({"uncertain": 1}, 1)


def in_ledger(batch: Batch, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(batch.ledger)) as db, db:
        db.execute(statement, values)


def put(ledger: Ledger, track: Track, state: State, **columns: Any) -> Track:
    """Moves a track to a state, regardless of the allowed transitions, in a transaction."""
    columns["state"] = state
    names = ", ".join(f"{name} = ?" for name in columns)
    ledger._db.execute(f"UPDATE tracks SET {names} WHERE key = ?", [*columns.values(), track.key])  # pyright: ignore[reportPrivateUsage]
    return ledger.track(track.key)
