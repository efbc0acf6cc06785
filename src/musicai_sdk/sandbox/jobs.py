"""The work: jobs leave the queue as slots come free, run on threads, and end with a result or an error."""

from __future__ import annotations

import logging
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from musicai_sdk.sandbox.fetching import JobDropped
from musicai_sdk.sandbox.storage import CDN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from musicai_sdk.sandbox.catalogue import Catalogue
    from musicai_sdk.sandbox.clock import Clock
    from musicai_sdk.sandbox.engine.task import Output
    from musicai_sdk.sandbox.fetching import Fetcher
    from musicai_sdk.sandbox.objects import ObjectStore
    from musicai_sdk.sandbox.records import JobRecord, StoredObject
    from musicai_sdk.sandbox.state import State

CUSTOM_STORAGE = "[custom storage]"
"""What a result reads in place of a file that went to `copyResultsTo` (source: official clients and documentation)."""

_logger = logging.getLogger(__name__)


class Workers:
    """Runs jobs in the order they came in, never more at once than the plan allows."""

    def __init__(
        self,
        state: State,
        store: ObjectStore,
        catalogue: Catalogue,
        fetcher: Fetcher,
        clock: Clock,
        slots: int,
    ) -> None:
        self._state = state
        self._store = store
        self._catalogue = catalogue
        self._fetcher = fetcher
        self._clock = clock
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="sandbox-job")
        self._stopping = threading.Event()
        self._dropped: dict[int, threading.Event] = {}
        """An event for each job at work, set when the job is deleted."""

    def submit(self, seq: int) -> None:
        """Queues a job; one that comes while the sandbox is stopping waits for its next start."""
        with suppress(RuntimeError):
            self._pool.submit(self._run, seq)

    def drop(self, seq: int) -> None:
        """Tells a job at work that it was deleted."""
        if event := self._dropped.get(seq):
            event.set()

    def drop_all(self) -> None:
        """Tells all jobs at work that they were deleted."""
        for event in list(self._dropped.values()):
            event.set()

    def stop(self) -> None:
        """Empties the queue and waits for the jobs at work; those still fetching give up at once."""
        self._stopping.set()
        self._pool.shutdown(cancel_futures=True)

    def _run(self, seq: int) -> None:
        if self._stopping.is_set():
            return
        dropped = self._dropped[seq] = threading.Event()
        try:
            job = self._state.start_job(seq, self._clock.now())
            if job is not None:
                with tempfile.TemporaryDirectory(dir=self._store.scratch, prefix="job-") as folder:
                    self._work(job, Path(folder), dropped)
        except JobDropped:
            pass
        except Exception:
            # Nobody looks at a worker's future: whatever gets here must at least end the job.
            _logger.exception("a job of the sandbox ended unexpectedly")
            self._state.finish_job(seq, self._clock.now(), error=_INTERNAL_ERROR)
        finally:
            del self._dropped[seq]

    def _work(self, job: JobRecord, folder: Path, dropped: threading.Event) -> None:
        from musicai_sdk.sandbox.engine.task import Task, WorkflowFailure  # Its package imports numpy.

        def unwanted() -> bool:
            return self._stopping.is_set() or dropped.is_set()

        def fetch(name: str) -> Path:
            return self._fetcher.fetch(job.params, name, folder, unwanted)

        stored: list[StoredObject] = []
        kept = False
        try:
            outputs = self._catalogue.handlers()[job.workflow](Task(job.params, folder, fetch))
            if not dropped.is_set():
                result = self._deliver(job, outputs, stored)
                kept = self._state.finish_job(job.seq, self._clock.now(), result=result, objects=stored)
        except WorkflowFailure as failure:
            error = {"code": failure.code, "title": failure.title, "message": failure.message}
            self._state.finish_job(job.seq, self._clock.now(), error=error)
        finally:
            if not kept:
                self._store.remove(item.blob for item in stored)

    def _deliver(
        self, job: JobRecord, outputs: Mapping[str, Output], stored: list[StoredObject]
    ) -> dict[str, Mapping[str, JsonValue]]:
        """Puts files where they belong, and returns what the result says of each output."""
        result: dict[str, Mapping[str, JsonValue]] = {}
        for name, output in outputs.items():
            if not isinstance(output, Path):
                result[name] = {"value": output}
            elif name in job.copy_results_to:
                self._fetcher.deliver(output, name, job.copy_results_to[name])
                result[name] = {"value": CUSTOM_STORAGE}
            else:
                stored.append(self._store.copy_in(output, f"{CDN}/{job.id}/{name}{output.suffix}"))
                result[name] = {"object": stored[-1].key}
        return result


_INTERNAL_ERROR = {
    "code": "INTERNAL_ERROR",
    "title": "Internal error",
    "message": "An unexpected error ended the job.",
}
