"""`Batch.run` has an event loop in a thread of its own: it works inside a running loop, and signals reach it."""

from __future__ import annotations

import asyncio
import contextvars
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from musicai_sdk import batch
from musicai_sdk.batch import Event, open_ledger
from musicai_sdk.batch.own_loop import run_in_thread
from musicai_sdk.errors import AuthenticationError
from musicai_sdk.sandbox import Sandbox
from support.batch import Service, echo, make_tracks, posts, wait_until
from support.processes import rest_of

VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")


INTERRUPTED = """
import asyncio, sys, threading
from musicai_sdk import batch

async def cell():
    return batch.run("sdk-test", sys.argv[1], sys.argv[2], input_name="file", poll_interval=0.2, in_flight=4,
                     keep_jobs=True, on_event=lambda event: print(event.kind, flush=True))

try:
    report = asyncio.run(cell())
except KeyboardInterrupt:
    print("stopped")
else:
    print("drained" if report.progress.draining else "ended")
assert not [each for each in threading.enumerate() if each.name.startswith("musicai-")]
"""
"""A process with a loop in its main thread, in which a batch runs, as in a notebook's kernel."""


def test_a_run_inside_a_running_loop(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 3)
    seen = list[tuple[str, int]]()

    def on_event(_event: Event) -> None:
        seen.append((VARIABLE.get(), threading.get_ident()))

    async def cell() -> batch.Report:
        VARIABLE.set("set in the cell")
        return echo(sandbox, tmp_path / "in", tmp_path / "out", on_event=on_event).run()

    report = asyncio.run(cell())
    assert report.ok
    assert posts(sandbox) == 3
    assert {value for value, _ in seen} == {"set in the cell"}
    assert threading.get_ident() not in {thread for _, thread in seen}
    assert VARIABLE.get() == "unset"


def test_the_function_accepts_a_running_loop_too(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tracks(tmp_path / "in", 2)
    monkeypatch.setenv("MUSIC_AI_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MUSIC_AI_BASE_URL", sandbox.base_url)

    async def cell() -> batch.Report:
        return batch.run("sdk-test", tmp_path / "in", tmp_path / "out", input_name="file", poll_interval=0.2)

    assert asyncio.run(cell()).progress.done == 2


def test_errors_arrive_at_the_caller(sandbox: Sandbox, tmp_path: Path) -> None:
    make_tracks(tmp_path / "in", 1)

    async def cell() -> None:
        with pytest.raises(AuthenticationError):
            echo(
                sandbox,
                tmp_path / "in",
                tmp_path / "out",
                connect=lambda: sandbox.async_client(api_key="wrong"),
            ).run()

    asyncio.run(cell())


def test_an_exception_in_the_waiting_thread_stops_the_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """As from a SIGTERM handler: the run ends with the call, and the next run continues."""
    make_tracks(tmp_path / "in", 8)
    sandbox.faults.add("GET /cdn/*", delay=1.0, times=8)

    def on_event(event: Event) -> None:
        if event.state == "finished":
            signal.raise_signal(signal.SIGUSR1)

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit(3)

    before = signal.signal(signal.SIGUSR1, leave)
    try:
        with pytest.raises(SystemExit):
            echo(sandbox, tmp_path / "in", tmp_path / "out", on_event=on_event).run()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not [each for each in threading.enumerate() if each.name.startswith("musicai-")]
    assert echo(sandbox, tmp_path / "in", tmp_path / "out").run().progress.done == 8
    assert posts(sandbox) == 8


def test_what_the_coroutine_raises_is_raised() -> None:
    async def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        run_in_thread(fail, lambda: pytest.fail("there is nothing to stop"))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process")
@pytest.mark.parametrize(("times", "outcome"), [(1, "drained"), (2, "stopped")])
def test_ctrl_c_inside_a_running_loop(times: int, outcome: str, running: Service, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    make_tracks(source, 30)
    running.add_fault("GET /cdn/*", delay=1.5, times=30)
    command = [sys.executable, "-W", "error", "-c", INTERRUPTED, str(source), str(out)]
    process = subprocess.Popen(
        command, env=running.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    wait_until(lambda: running.hits() > 0)
    process.send_signal(signal.SIGINT)
    for line in process.stdout:
        if line == "draining\n":
            break
    if times == 2:
        process.send_signal(signal.SIGINT)
    printed, errors = rest_of(process)
    assert (process.returncode, printed.splitlines()[-1]) == (0, outcome), errors
    with open_ledger(out / ".musicai-batch.sqlite3") as ledger:
        counts = ledger.counts()
    # A drain completes the POSTs under way. After a stop, the next run finds their jobs.
    assert times == 2 or not counts.get("creating"), json.dumps(counts)
    assert counts.get("verified", 0) < 30
    assert running.run(source, out, keep_jobs=True)["done"] == 30
    assert len(running.jobs()) == 30
