"""The functions of 0.4 that run a workflow on all files of a folder. `musicai_sdk.batch` also survives crashes."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from musicai_sdk._names import folded
from musicai_sdk.compat.client import MusicAiClient
from musicai_sdk.errors import InputError, MusicAiError

logger: logging.Logger = logging.getLogger("musicai_sdk.compat")

FAILED = "failed.json"
"""The list of failed files, one path per line, under the name of 0.4."""

_writing = threading.Lock()


def process_folder(
    input_folder: str | os.PathLike[str],
    output_folder: str | os.PathLike[str],
    workflow_id: str,
    parallelism: int = 5,
    delete: bool = True,  # noqa: FBT001, FBT002 - as in 0.4
    client: MusicAiClient | None = None,
) -> None:
    """Runs a workflow with the input `inputUrl` on every file of a folder. Each file is a paid job.

    The results of each file go to a folder with the file's name without extension, or with its full name if two files
    would share one. Hidden files and subfolders are skipped. A failure doesn't stop the others: it is logged, and the
    path is added to `failed.json` in the output folder. 0.4 listed only files whose job had failed.

    Nothing is remembered: a second call pays for every file again. `musicai_sdk.batch.Batch` continues where it stopped.

    Args:
        input_folder: The folder with the files.
        output_folder: The folder for results.
        workflow_id: The workflow's slug.
        parallelism: The number of files processed at the same time.
        delete: Whether to delete a job after its results are downloaded. Failed jobs are kept.
        client: The client; by default one with the key of the environment.

    Raises:
        InputError: there is no such folder, or `parallelism` isn't a whole number above 0.
    """
    source, target = Path(input_folder), Path(output_folder)
    if isinstance(parallelism, bool) or not isinstance(cast("object", parallelism), int) or parallelism < 1:
        raise InputError(f"parallelism must be a whole number, 1 or more, not {parallelism!r:.100}")
    if not source.is_dir():
        raise InputError(f"there is no folder {str(source)!r}: nothing was sent")
    files = sorted(path for path in source.iterdir() if not path.name.startswith(".") and path.is_file())
    used = client if client is not None else MusicAiClient()
    with ThreadPoolExecutor(parallelism, thread_name_prefix="musicai_sdk") as executor:
        try:
            futures = [
                executor.submit(_process, used, path, target / name, workflow_id, delete, target / FAILED)
                for path, name in _folders(files)
            ]
            for future in futures:
                future.result()
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def process_file(
    client: MusicAiClient,
    file_path: str | os.PathLike[str],
    output_folder: str | os.PathLike[str],
    workflow_id: str,
    delete: bool = True,  # noqa: FBT001, FBT002 - as in 0.4
    failed_file: str | os.PathLike[str] | None = None,
) -> None:
    """Runs a workflow with the input `inputUrl` on one file. This costs money.

    Args:
        client: The client.
        file_path: The file.
        output_folder: The parent of the folder for its results.
        workflow_id: The workflow's slug.
        delete: Whether to delete the job after its results are downloaded.
        failed_file: The list to which the path is added on failure.
    """
    path = Path(file_path)
    _process(
        client, path, Path(output_folder, path.stem), workflow_id, delete, Path(failed_file or os.devnull)
    )


def _folders(files: Iterable[Path]) -> Iterable[tuple[Path, str]]:
    """Each file with the name of its results folder."""
    taken = set[str]()
    for path in files:
        name = path.stem if folded(path.stem) not in taken else path.name
        taken.add(folded(name))
        yield path, name


def _process(
    client: MusicAiClient,
    path: Path,
    folder: Path,
    workflow_id: str,
    delete: bool,  # noqa: FBT001 - passed on
    failed: Path,
) -> None:
    job_id: str | None = None
    try:
        job_id = client.create_job(path.name, workflow_id, {"inputUrl": client.upload_file(path)})["id"]
        logger.info("%s: job %s created", path.name, job_id)
        client.download_job_results(client.wait_for_job_completion(job_id), folder)
        logger.info("%s: results in %s", path.name, folder)
    except (MusicAiError, OSError) as error:
        kept = f"; job {job_id} is kept" if job_id is not None else ""
        logger.error("%s failed: %s%s", path.name, error, kept)  # noqa: TRY400 - the text is enough
        with _writing:
            failed.parent.mkdir(parents=True, exist_ok=True)
            with failed.open("a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{path}\n")
        return
    if not delete:
        return
    try:
        client.delete_job(job_id)
    except MusicAiError as error:
        logger.warning("%s: results downloaded, but job %s was not deleted: %s", path.name, job_id, error)
