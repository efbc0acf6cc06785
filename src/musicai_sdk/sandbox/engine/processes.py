"""Runs the engine in processes of its own, so that the API answers while it computes."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import musicai_sdk
from musicai_sdk.sandbox.engine.failure import JobDropped, WorkflowFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicai_sdk.sandbox.engine.task import Handler, Output, Task

_ROOT = str(Path(musicai_sdk.__file__).parents[1])
_LOOK_UP = 0.1  # Seconds between checks whether a job is still wanted.
_FAREWELL = 2.0  # Seconds for an idle process to end.


class Processes:
    """Processes that run the engine, started for the first jobs and reused.

    `multiprocessing` isn't used: it would run the caller's script a second time unless that is guarded.
    """

    def __init__(self) -> None:
        self._room = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))
        self._idle: list[_Process] = []
        self._lock = threading.Lock()

    def workflow(self, slug: str, original: Handler) -> Handler:
        """Returns a workflow of the engine as a function that runs it in one of these processes."""

        @wraps(original)
        def handler(task: Task) -> Mapping[str, Output]:
            return self.run(slug, task)

        return handler

    def run(self, slug: str, task: Task) -> Mapping[str, Output]:
        """Runs a workflow of the engine.

        Raises:
            WorkflowFailure: as the workflow does.
            JobDropped: the job is no longer wanted.
            RuntimeError: the workflow crashed; the message has its traceback.
        """
        while not self._room.acquire(timeout=_LOOK_UP):
            if task.unwanted():
                raise JobDropped
        try:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            process = process or _Process()
            try:
                answer = process.work(slug, task)
            except BaseException:
                process.kill()
                raise
            with self._lock:
                self._idle.append(process)
        finally:
            self._room.release()
        if "failure" in answer:
            raise WorkflowFailure(*answer["failure"])
        if "error" in answer:
            raise RuntimeError(answer["error"])
        files = set(answer["files"])
        return {name: Path(value) if name in files else value for name, value in answer["outputs"].items()}

    def stop(self) -> None:
        """Ends the processes, while no job is running."""
        with self._lock:
            for process in self._idle:
                process.end()
            self._idle.clear()


class _Process:
    def __init__(self) -> None:
        paths = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
        # One thread each, because there are as many processes as processors.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "musicai_sdk.sandbox.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
            umask=0o077,
            # Only the sandbox handles Ctrl-C of a terminal. Windows has process groups instead of sessions.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._lines = queue.SimpleQueue[str]()
        self._reader = threading.Thread(target=self._read, name="sandbox-engine", daemon=True)
        self._reader.start()

    def work(self, slug: str, task: Task) -> dict[str, Any]:
        self._send({"slug": slug, "params": {**task.params}, "folder": str(task.folder)})
        while True:
            try:
                line = self._lines.get(timeout=_LOOK_UP)
            except queue.Empty:
                if task.unwanted():
                    raise JobDropped from None
                continue
            if not line:
                raise RuntimeError(f"the engine's process ended, with exit code {self._process.wait()}")
            message: dict[str, Any] = json.loads(line)
            if "fetch" not in message:
                return message
            try:
                self._send({"path": str(task.fetch(message["fetch"]))})
            except WorkflowFailure as failure:
                self._send({"failure": [failure.code, failure.title, failure.message]})

    def end(self) -> None:
        """Ends an idle process."""
        self._close_input()
        try:
            self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._clean_up()

    def kill(self) -> None:
        """Ends a running process."""
        self._process.kill()
        self._close_input()
        self._clean_up()

    def _send(self, message: dict[str, Any]) -> None:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # The reader notices too.
                self._process.stdin.write(json.dumps(message) + "\n")
                self._process.stdin.flush()

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put("")

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def _clean_up(self) -> None:
        self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
