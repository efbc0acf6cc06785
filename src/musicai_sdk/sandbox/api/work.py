"""The work on one job: inputs fetched, the workflow run, results put where they belong."""

from __future__ import annotations

import json
import logging
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from musicai_sdk.sandbox.api.transfers import JobDropped
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
"""What a result reads in place of a file that went to `copyResultsTo` (source: official clients and documentation)."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a job ended, before anybody may see it."""

    result: Mapping[str, Mapping[str, JsonValue]] | None = None
    error: Mapping[str, str] | None = None
    stored: list[StoredObject] = field(default_factory=list["StoredObject"])
    """Files of the result, in the store already."""


def failed(code: str) -> Outcome:
    """The outcome of a job that FAILED with one of the service's codes, or with another one."""
    title, message = JOB_ERRORS.get(code, (code.replace("_", " ").capitalize(), "A fault asked for."))
    return Outcome(error={"code": code, "title": title, "message": message})


INTERNAL_ERROR: Final = failed("INTERNAL_ERROR")


class Worker:
    """Does the work on jobs, on whatever thread calls it."""

    def __init__(self, store: ObjectStore, catalogue: Catalogue, fetcher: Fetcher) -> None:
        self._store = store
        self._catalogue = catalogue
        self._fetcher = fetcher

    def work(
        self, job: JobRecord, fault: FaultOptions, dropped: threading.Event, stopping: threading.Event
    ) -> Outcome | None:
        """Runs a job.

        Args:
            job: The job.
            fault: What shall befall it.
            dropped: Set when the job is deleted: nobody waits for the outcome any more.
            stopping: Set when the sandbox is being stopped: what can end early should.

        Returns:
            The outcome; None if it wasn't wanted any more.
        """
        if "job_error" in fault:
            return failed(fault["job_error"])
        stored: list[StoredObject] = []
        outcome = None
        try:
            with tempfile.TemporaryDirectory(dir=self._store.scratch, prefix="job-") as folder:
                result = self._run(job, make_private(Path(folder)), dropped, stopping, stored)
            vanish = fault.get("job_vanish")
            if result is not None:
                outcome = Outcome(None if vanish == "result" else result, stored=[] if vanish else stored)
        except JobDropped:
            pass
        except Exception as error:
            from musicai_sdk.sandbox.engine.task import WorkflowFailure  # Loaded by now, if it was raised.

            outcome = INTERNAL_ERROR
            if isinstance(error, WorkflowFailure):
                outcome = Outcome(error={"code": error.code, "title": error.title, "message": error.message})
            else:
                # Nobody looks at a worker's future: whatever gets here must at least end the job.
                _logger.exception("a job of the sandbox ended unexpectedly")
        finally:
            if outcome is None or not outcome.stored:
                self.discard(stored)
        return outcome

    def discard(self, stored: list[StoredObject]) -> None:
        """Removes files of an outcome that nobody will see."""
        self._store.remove(item.blob for item in stored)

    def _run(
        self,
        job: JobRecord,
        folder: Path,
        dropped: threading.Event,
        stopping: threading.Event,
        stored: list[StoredObject],
    ) -> dict[str, Mapping[str, JsonValue]] | None:
        from musicai_sdk.sandbox.engine.task import Task

        def unwanted() -> bool:
            return stopping.is_set() or dropped.is_set()

        def fetch(name: str) -> Path:
            return self._fetcher.fetch(job, name, folder, unwanted)

        handler = self._catalogue.handlers()[job.workflow]
        outputs = handler(Task(job.params, folder, fetch, unwanted))
        return None if dropped.is_set() else self._deliver(job, outputs, stored)

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
                stored.append(self._store.copy_in(output, result_key(job.id, job.name, name, output.suffix)))
                result[name] = {"object": stored[-1].key}
        json.dumps(result, allow_nan=False)  # What isn't JSON ends here.
        return result
