"""The life of one job in a command. Whatever ends the command early, its message says how to recover the paid job."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from musicai_sdk._platform import quoted
from musicai_sdk.cli.context import note
from musicai_sdk.cli.errors import Hint, Terminated

if TYPE_CHECKING:
    from pathlib import Path

    from musicai_sdk import CustomWorkflow, Job, JobRef, MusicAiClient
    from musicai_sdk.models import JobFiles

LIST_WORKFLOWS = Hint("the account's workflows: musicai workflow list")
_MAY_EXIST = Hint("the job may have been created, and then it is paid for: musicai job list")


@contextmanager
def terminated_by_sigterm() -> Generator[None]:
    """SIGTERM ends the block as Ctrl-C does, and so does SIGBREAK of Windows. No effect outside the main thread."""
    from musicai_sdk.batch.signals import on_signal

    with ExitStack() as stack:
        for name in ("SIGTERM", "SIGBREAK"):
            if (number := getattr(signal, name, None)) is not None:
                stack.enter_context(on_signal(number, _terminate))
        yield


def _terminate() -> None:
    raise Terminated


def create_job(client: MusicAiClient, workflow: CustomWorkflow, **options: Any) -> JobRef[Any]:
    """Uploads the inputs and creates a job; an error says how to find the workflow, or the job.

    Args:
        client: The client.
        workflow: The workflow with its parameters.
        **options: Those of `client.jobs.create`.
    """
    from musicai_sdk._preload import load_all
    from musicai_sdk.errors import CreateUncertainError, NotFoundError

    load_all()  # now: Python can turn a Ctrl-C during an import into another error
    try:
        return client.jobs.create(workflow, **options)
    except NotFoundError as error:
        error.add_note(LIST_WORKFLOWS)
        raise
    except (KeyboardInterrupt, CreateUncertainError) as error:
        # The client adds a note if the POST was under way; before that nothing is paid for.
        if isinstance(error, CreateUncertainError) or getattr(error, "__notes__", None):
            error.add_note(_MAY_EXIST)
        raise


@contextmanager
def recoverable(job_id: str, folder: str | None = None) -> Generator[None]:
    """Adds to every error in the block the commands that continue with the job.

    Args:
        job_id: The job.
        folder: The folder for its results, if known.
    """
    from musicai_sdk.errors import JobFailedError, NotFoundError

    try:
        yield
    except (JobFailedError, NotFoundError):
        raise  # nothing to recover
    except (Exception, KeyboardInterrupt) as error:
        unusable = folder is None or isinstance(error, FileExistsError)
        target = "FOLDER" if unusable else quoted(folder or "", sys.stderr)
        error.add_note(Hint(f"job {job_id} is paid for and stays at the service; to continue with it:"))
        for action in (f"wait {job_id}", f"download {job_id} {target}", f"delete {job_id}"):
            error.add_note(Hint(f"musicai job {action}"))
        raise


def download_all(
    client: MusicAiClient, job: JobRef[Any], folder: Path, *, overwrite: bool, may_lack: bool
) -> JobFiles:
    """Downloads the results of a job, and checks that they are complete, so that the job may be deleted.

    Args:
        client: The client.
        job: A job that has succeeded.
        folder: The target.
        overwrite: Whether to replace existing files.
        may_lack: Whether an output without a value is no error.

    Raises:
        ResultMissingError: a result is missing at the service, or empty, or wasn't downloaded.
        FileExistsError: a file would be replaced.
    """
    from musicai_sdk.batch.engine.expected_outputs import PAUSES, ExpectedOutputs
    from musicai_sdk.errors import ResultMissingError
    from musicai_sdk.models import CUSTOM_STORAGE
    from musicai_sdk.models.outputs import file_name_in
    from musicai_sdk.models.result_files import check_result

    done = client.jobs.get(job)  # the wait polls the list of jobs, which may omit parts of a result
    outputs = ExpectedOutputs()
    for pause in PAUSES:
        if not outputs.missing(done):
            break
        time.sleep(pause)
        done = client.jobs.get(job)
    expected = check_result(done)
    present = {path.name.casefold() for path in folder.iterdir()} if folder.is_dir() else set[str]()
    names = {f"{each.name}{file_name_in(each.value).suffix}" for each in expected}
    if not overwrite and (taken := sorted(name for name in names if name.casefold() in present)):
        raise FileExistsError(f"{str(folder)!r} already holds {', '.join(taken)}: nothing was replaced")
    files = client.jobs.download(done, folder)
    missing = [each.name for each in expected if each.name not in files or not files.files[each.name].size]
    if missing:
        stored = any(each.value is CUSTOM_STORAGE for each in expected)
        where = ": the service reports that it copied them to your own storage" if stored else ""
        raise ResultMissingError(
            f"job {done.id}: the results {', '.join(map(repr, missing))} are empty or were not downloaded{where}",
            job_id=done.id,
            outputs=tuple(missing),
        )
    if not may_lack and (empty := sorted(outputs.missing(done))):
        raise ResultMissingError(
            f"job {done.id}: the outputs {', '.join(map(repr, empty))} have no value; the other results are in"
            f" {str(folder)!r}. Some workflows leave outputs empty: delete the job if this one does",
            job_id=done.id,
            outputs=tuple(empty),
        )
    return files


def wait_for_success(client: MusicAiClient, job: str | JobRef[Any], timeout: float | None) -> Job[Any]:
    """Waits for a job and writes each change of its status to standard error.

    Raises:
        JobFailedError: it failed.
    """
    done = client.jobs.wait(job, timeout=timeout, on_update=lambda state: note(f"  {state.status}"))
    done.raise_for_failure()
    return done
