"""The work on one job: fetches its inputs, runs its workflow, and delivers its results."""

from __future__ import annotations

import json
import logging
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from musicai_sdk.sandbox.engine.failure import JobDropped, WorkflowFailure
from musicai_sdk.sandbox.engine.task import Task
from musicai_sdk.sandbox.faults.options import JOB_ERRORS
from musicai_sdk.sandbox.private_files import make_private
from musicai_sdk.sandbox.storage.keys import result_key

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from pydantic import JsonValue

    from musicai_sdk.sandbox.api.catalogue import Catalogue
    from musicai_sdk.sandbox.api.transfers import Fetcher
    from musicai_sdk.sandbox.database.records import JobRecord, StoredObject
    from musicai_sdk.sandbox.engine.task import Output
    from musicai_sdk.sandbox.faults.options import FaultOptions
    from musicai_sdk.sandbox.storage.objects import ObjectStore

CUSTOM_STORAGE = "[custom storage]"
"""The value of an output that went to `copyResultsTo` (source: official clients and documentation)."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job, before it is published."""

    result: Mapping[str, Mapping[str, JsonValue]] | None = None
    error: Mapping[str, str] | None = None
    stored: list[StoredObject] = field(default_factory=list["StoredObject"])
    """The files of the result, which are already stored."""


def failed(code: str) -> Outcome:
    """Returns the outcome of a job that FAILED with a code, one of the service's or any other."""
    title, message = JOB_ERRORS.get(code, (code.replace("_", " ").capitalize(), "A fault of the sandbox."))
    return Outcome(error={"code": code, "title": title, "message": message})


INTERNAL_ERROR: Final = failed("INTERNAL_ERROR")


@dataclass(frozen=True)
class Worker:
    """Runs jobs on the calling thread."""

    store: ObjectStore
    catalogue: Catalogue
    fetcher: Fetcher

    def work(
        self, job: JobRecord, fault: FaultOptions, dropped: threading.Event, stopping: threading.Event
    ) -> Outcome | None:
        """Runs a job.

        Args:
            job: The job.
            fault: The fault of the job.
            dropped: Set when the job is deleted.
            stopping: Set when the sandbox stops.

        Returns:
            The outcome; None if the job was deleted or the sandbox is stopping.
        """
        if "job_error" in fault:
            return failed(fault["job_error"])
        stored: list[StoredObject] = []
        outcome = None
        try:
            with tempfile.TemporaryDirectory(dir=self.store.scratch, prefix="job-") as folder:
                result = self._run(job, make_private(Path(folder)), dropped, stopping, stored)
            vanish = fault.get("job_vanish")
            if result is not None:
                outcome = Outcome(None if vanish == "result" else result, stored=[] if vanish else stored)
        except JobDropped:
            pass
        except WorkflowFailure as failure:
            outcome = Outcome(
                error={"code": failure.code, "title": failure.title, "message": failure.message}
            )
        except Exception:
            # No code reads a worker's future, so every exception must end the job here.
            outcome = INTERNAL_ERROR
            _logger.exception("a job of the sandbox ended unexpectedly")
        finally:
            if outcome is None or not outcome.stored:
                self.discard(stored)
        return outcome

    def discard(self, stored: list[StoredObject]) -> None:
        """Removes the files of an unpublished outcome."""
        self.store.remove(item.blob for item in stored)

    def _run(
        self,
        job: JobRecord,
        folder: Path,
        dropped: threading.Event,
        stopping: threading.Event,
        stored: list[StoredObject],
    ) -> dict[str, Mapping[str, JsonValue]] | None:
        def unwanted() -> bool:
            return stopping.is_set() or dropped.is_set()

        def fetch(name: str) -> Path:
            return self.fetcher.fetch(job, name, folder, unwanted)

        handler = self.catalogue.handlers()[job.workflow]
        outputs = handler(Task(job.params, folder, fetch, unwanted))
        return None if dropped.is_set() else self._deliver(job, outputs, stored)

    def _deliver(
        self, job: JobRecord, outputs: Mapping[str, Output], stored: list[StoredObject]
    ) -> dict[str, Mapping[str, JsonValue]]:
        """Stores or delivers the files; returns the record of each output."""
        result: dict[str, Mapping[str, JsonValue]] = {}
        for name, output in outputs.items():
            if not isinstance(output, Path):
                result[name] = {"value": output}
            elif name in job.copy_results_to:
                self.fetcher.deliver(output, name, job.copy_results_to[name])
                result[name] = {"value": CUSTOM_STORAGE}
            else:
                stored.append(self.store.copy_in(output, result_key(job.id, job.name, name, output.suffix)))
                result[name] = {"object": stored[-1].key}
        json.dumps(result, allow_nan=False)  # Raises if a value isn't JSON.
        return result
