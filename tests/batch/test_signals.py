"""Runs that a signal ends, or that run out of file descriptors: nothing is lost, and no track fails."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from musicai_sdk.batch import open_ledger
from support.batch import Service, make_tracks, wait_until

LEDGER = ".musicai-batch.sqlite3"

FEW_FILES = """
import json, os, resource, sys, threading, time
from musicai_sdk.batch import Batch
source, out = sys.argv[1:]
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
told = []

def on_event(event):
    told.append((event.kind, event.message))
    if event.kind == "state" and event.state == "created" and not any(kind == "short" for kind, _ in told):
        told.append(("short", ""))
        # From here on nothing can be opened, for a while.
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))

        def recover():
            wanted = time.monotonic() + 20
            while time.monotonic() < wanted and not any(kind == "retry" for kind, _ in told):
                time.sleep(0.05)
            time.sleep(0.5)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        threading.Thread(target=recover).start()

report = Batch("sdk-test", source, out, input_name="file", poll_interval=0.2, max_attempts=1, on_event=on_event).run()
print([(f.code, f.message) for f in report.failures()], file=sys.stderr)
print(json.dumps([report.ok, dict(report.progress.states), [kind for kind, _ in told].count("retry")]))
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it needs to count the open files")
def test_running_out_of_file_descriptors_during_a_run(running: Service, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 12)
    command = [sys.executable, "-c", FEW_FILES, str(tmp_path / "in"), str(tmp_path / "out")]
    done = subprocess.run(
        command, env=running.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    ok, states, retries = json.loads(done.stdout)
    assert (ok, states) == (True, {"deleted": 12}), done.stdout + done.stderr
    assert retries, "the limit was never reached"


IMPORTS = """
import sys
from musicai_sdk.batch import Batch
loaded = set()

def on_event(event):
    if event.kind == "state" and event.state == "uploaded":
        loaded.update(loaded or sys.modules)

report = Batch("sdk-test", *sys.argv[1:], input_name="file", poll_interval=0.2, on_event=on_event).run()
assert report.ok and loaded
print(*sorted(set(sys.modules) - loaded))
"""


def test_nothing_is_imported_after_the_first_upload(running: Service, tmp_path: Path) -> None:
    """An import needs a file descriptor, which a run may not get once jobs are paid for."""
    make_tracks(tmp_path / "in", 3)
    command = [sys.executable, "-c", IMPORTS, str(tmp_path / "in"), str(tmp_path / "out")]
    done = subprocess.run(
        command, env=running.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stdout + done.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_drains(name: str, running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 30)
    running.add_fault("GET /cdn/*", delay=0.3, times=30)
    command = [
        sys.executable,
        "-m",
        "musicai_sdk.cli",
        "process",
        "folder",
        "sdk-test",
        str(source),
        str(out),
    ]
    command += ["--input-name", "file", "--keep-jobs", "--no-report", "-c", "4"]
    process = subprocess.Popen(
        command, env=running.environment | {"COLUMNS": "80"}, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    wait_until(lambda: len(running.jobs()) >= 6, process=process)
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors.decode()
    assert b"the same command continues" in errors
    with open_ledger(out / LEDGER) as ledger:
        counts = ledger.counts()
    assert not counts.get("creating")
    assert counts.get("verified", 0) < 30
    assert running.run(source, out, keep_jobs=True)["done"] == 30
    assert len(running.jobs()) == 30
