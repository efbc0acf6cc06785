"""A job that is paid for: whatever ends the command, it says how the job is picked up again."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from musicai_sdk._platform import quoted
from musicai_sdk.cli.context import note
from musicai_sdk.cli.errors import Hint, Terminated

if TYPE_CHECKING:
    from pathlib import Path

    from musicai_sdk import CustomWorkflow, Job, JobRef, MusicAiClient
    from musicai_sdk.models import JobFiles

_MAY_EXIST = Hint("a job may have been created meanwhile, and is paid for then: musicai job list")


@contextmanager
def stopped_by_sigterm() -> Generator[None]:
    """SIGTERM ends the block as Ctrl-C does, and so does SIGBREAK, which Windows sends when a console is closed."""
    from musicai_sdk.batch.signals import on_signal

    with ExitStack() as stack:
        for name in ("SIGTERM", "SIGBREAK"):
            if (number := getattr(signal, name, None)) is not None:
                stack.enter_context(on_signal(number, _terminate))
        yield


def _terminate() -> None:
    raise Terminated


def create(client: MusicAiClient, asked: CustomWorkflow, *, name: str | None = None) -> JobRef[Any]:
    """Uploads and creates; an error says where to look for the workflow, or for the job."""
    from musicai_sdk.errors import CreateUncertainError, NotFoundError

    try:
        return client.jobs.create(asked, name=name)
    except NotFoundError as error:
        error.add_note(WORKFLOWS)
        raise
    except (KeyboardInterrupt, CreateUncertainError) as error:
        # The client notes it when the POST was on its way; before that nothing is paid for.
        if isinstance(error, CreateUncertainError) or getattr(error, "__notes__", None):
            error.add_note(_MAY_EXIST)
        raise


WORKFLOWS = Hint("the account's workflows: musicai workflow list")


@contextmanager
def picked_up(job_id: str, folder: str | None = None) -> Generator[None]:
    """Whatever ends the block early gets the commands that go on with the job.

    Args:
        job_id: The job.
        folder: Where its results were to go, if that is known.
    """
    from musicai_sdk.errors import JobFailedError, NotFoundError

    try:
        yield
    except (JobFailedError, NotFoundError):
        raise  # there is nothing to go on with
    except (Exception, KeyboardInterrupt) as error:
        taken = folder is None or isinstance(error, FileExistsError)
        place = "FOLDER" if taken else quoted(folder or "", sys.stderr)
        error.add_note(Hint(f"job {job_id} is paid for and stays at the service; what goes on with it:"))
        for action in (f"wait {job_id}", f"download {job_id} {place}", f"delete {job_id}"):
            error.add_note(Hint(f"musicai job {action}"))
        raise


def fetched(client: MusicAiClient, job: JobRef[Any], folder: Path, *, overwrite: bool) -> JobFiles:
    """Downloads the results of a job, and checks that it may be deleted after that: that all of them are here.

    Args:
        client: The client.
        job: The job, which has succeeded.
        folder: Where to.
        overwrite: Whether files that are there already are replaced.

    Raises:
        ResultMissingError: something of them isn't at the service, or isn't here.
        FileExistsError: a file that is there already would be replaced.
    """
    from musicai_sdk.errors import ResultMissingError
    from musicai_sdk.models import CUSTOM_STORAGE
    from musicai_sdk.models.result_files import check_result, result_files

    done = client.jobs.get(job)  # not as the wait has seen it: a list of jobs may say less
    check_result(done)
    held = result_files(done.raw_result)
    there = {path.name.casefold() for path in folder.iterdir()} if folder.is_dir() else set[str]()
    names = {f"{each.name}{PurePosixPath(urlsplit(each.value).path).suffix}" for each in held}
    if not overwrite and (taken := sorted(name for name in names if name.casefold() in there)):
        raise FileExistsError(f"{str(folder)!r} has {', '.join(taken)} already: nothing was replaced")
    files = client.jobs.download(done, folder)
    missing = [each.name for each in held if each.name not in files or not files.files[each.name].size]
    if missing:
        stored = any(each.value is CUSTOM_STORAGE for each in held)
        where = ": the service says that they were copied to a storage of yours" if stored else ""
        raise ResultMissingError(
            f"of the results of job {done.id} {', '.join(map(repr, missing))} are empty or weren't fetched{where}",
            job_id=done.id,
            outputs=tuple(missing),
        )
    return files


def waited(client: MusicAiClient, job: str | JobRef[Any], timeout: float | None) -> Job[Any]:
    """Waits for a job and tells its statuses.

    Raises:
        JobFailedError: it failed.
    """
    done = client.jobs.wait(job, timeout=timeout, on_update=lambda state: note(f"  {state.status}"))
    done.raise_for_failure()
    return done
