"""Downloading the results of a job to a folder."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from musicai_sdk._core.arguments import ProgressOf, ResultStorage
from musicai_sdk._core.download import checked_path, download
from musicai_sdk._core.jobs import get, result_type_of
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.output_names import PARTIAL, file_names
from musicai_sdk._core.ranges import check_connections
from musicai_sdk._core.result_storage import download_urls
from musicai_sdk._core.session import Session
from musicai_sdk._core.storage_errors import EXPIRED_STATUSES
from musicai_sdk._files import replace, unlink, write_text
from musicai_sdk._io import IO, cancelling
from musicai_sdk._io.record import logger
from musicai_sdk._names import encodable, safe_name
from musicai_sdk._text import safe_repr
from musicai_sdk.errors import InputError, IntegrityError, TransferError
from musicai_sdk.models.files import DownloadedFile, JobFiles
from musicai_sdk.models.job import Job, JobRef, is_listed, outputs_declared_for
from musicai_sdk.models.outputs import FileUrl
from musicai_sdk.models.result import declared_contents, declared_outputs, missing_outputs
from musicai_sdk.models.result_files import (
    ResultPath,
    check_result,
    has_values,
    is_reachable,
    result_files,
    usable,
    with_files,
)

AT_ONCE = 4
"""The number of concurrent downloads for one job."""


async def download_results(
    session: Session,
    job: str | JobRef[Any] | Job[Any],
    folder: str | os.PathLike[str],
    manifest: str,
    progress_of: ProgressOf,
    options: RequestOptions,
    storage: ResultStorage | None = None,
    *,
    may_be_empty: bool = False,
    connections: int = 1,
) -> JobFiles:
    """Downloads every file in a result, and writes the result as JSON beside them.

    `client.jobs.download` has the details. With `may_be_empty`, an empty result isn't an error, as in 1.0.
    """
    check_connections(connections)
    if not isinstance(cast("object", manifest), str) or safe_name(manifest) != manifest:
        raise InputError(f"the manifest's name must be a plain file name, not {safe_repr(manifest):.200}")
    if not isinstance(cast("object", folder), str | os.PathLike):
        misplaced = isinstance(cast("object", folder), Job | JobRef)
        raise InputError(
            f"folder must be a path, not {type(folder).__name__}"
            + (": client.jobs.download(job, folder)" if misplaced else "")
        )
    declared = outputs_declared_for(job) if isinstance(job, Job) else declared_outputs(result_type_of(job))
    path = checked_path(folder) / manifest
    if (
        not isinstance(job, Job)
        or not job.done
        or is_listed(job)
        or not has_values(job.raw_result)
        or _missing(job)
    ):
        job = await get(session, job, None, options)
    job.raise_for_success()
    missing = _missing(job)

    async def work(io: IO) -> dict[str, DownloadedFile]:
        return await _download_outputs(
            session.on(io),
            job,
            declared_contents(declared, list(job.raw_result or {})),
            path,
            progress_of,
            options,
            storage,
            may_be_empty=may_be_empty,
            connections=connections,
        )

    files = await session.io.transfer(work)
    if missing:
        logger.warning("job %s lacks %s, which its result's type declares", job.id, ", ".join(missing))
    if elsewhere := [each.name for each in result_files(job.raw_result) if not is_reachable(each)]:
        logger.warning(
            "job %s: %s can't be downloaded, not being at http(s) URLs", job.id, ", ".join(elsewhere)
        )
    return JobFiles(folder=path.parent, manifest=path, files=files, missing=missing)


async def _download_outputs(
    session: Session,
    job: Job[Any],
    contents: Mapping[str, frozenset[type]],
    manifest: Path,
    progress_of: ProgressOf,
    options: RequestOptions,
    storage: ResultStorage | None,
    *,
    may_be_empty: bool,
    connections: int,
) -> dict[str, DownloadedFile]:
    """Downloads the outputs of a job, and writes its manifest. Blocks.

    `contents` has the kinds of JSON values that files of declared outputs may contain.
    """
    target = manifest.parent
    is_new = not os.path.exists(target)
    if not is_new and not os.path.isdir(target):
        reason = NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        raise TransferError(f"can't download into {str(target)!r}: it is a file, pass a folder") from reason
    if not may_be_empty and not has_values(job.raw_result):
        check_result(job)
    stored = await download_urls(session, storage, job)
    urls, named, paths = dict[str, str](), dict[str, str](), dict[str, ResultPath]()
    for file in result_files(job.raw_result):
        if isinstance(file.value, FileUrl):
            urls[file.name] = named[file.name] = str(file.value)
        elif file.name in stored:
            urls[file.name], extension = stored[file.name]
            named[file.name] = _with_extension(urls[file.name], extension)
        else:
            continue
        paths[file.name] = file.path
    names = file_names(named, by_output=session.settings.names_by_output, taken=[manifest.name])

    async def fresh(name: str) -> str | None:
        if name in stored:
            return (await download_urls(session, storage, job))[name][0]
        now = {
            each.path: each.value
            for each in result_files((await get(session, job, None, options)).raw_result)
        }
        value = now.get(paths[name])
        return str(value) if isinstance(value, FileUrl) else None

    # Replace existing results only when all new files are complete, so that a folder never mixes two results.
    is_staged = not is_new and os.path.exists(manifest)
    staged = target / f".{safe_name(f'musicai-{job.id}')}{PARTIAL}" if is_staged else target
    tasks = [
        partial(
            _download_output,
            partial(
                download,
                session,
                destination=staged / encodable(names[name]),
                on_progress=progress_of(name),
                options=options,
                output=True,
                json_kinds=contents.get(name) if len(paths[name]) == 1 else None,
                connections=connections,
            ),
            url,
            partial(fresh, name),
        )
        for name, url in urls.items()
    ]
    files = dict(zip(urls, await session.io.gather(tasks, AT_ONCE), strict=True))
    cancelling.check()  # a cancelled call replaces nothing
    content = with_files(job.raw_result or {}, {paths[name]: f"./{names[name]}" for name in urls})
    if is_staged:
        files = _moved(files, staged, manifest)
    _write_manifest(manifest, content, folder_is_new=is_new and not files)
    return files


def _moved(files: Mapping[str, DownloadedFile], staged: Path, manifest: Path) -> dict[str, DownloadedFile]:
    """Moves the complete files to the manifest's folder. The old manifest is removed first."""
    moved, target = dict[str, DownloadedFile](), manifest.parent
    try:
        unlink(manifest)
        for name, file in files.items():
            moved[name] = DownloadedFile(target / file.path.name, file.size)
            replace(file.path, moved[name].path)
        with suppress(OSError):  # an empty folder is harmless
            staged.rmdir()
    except OSError as error:
        raise TransferError(f"can't replace the results in {str(target)!r}: {error.strerror}") from error
    return moved


def _missing(job: Job[Any]) -> tuple[str, ...]:
    """The outputs that the type of a job's result declares but the job lacks."""
    return missing_outputs(declared_outputs(job.result_type), usable(job.raw_result))


async def _download_output(
    fetch: Callable[..., Coroutine[Any, Any, DownloadedFile]],
    url: str,
    fresh: Callable[[], Coroutine[Any, Any, str | None]],
) -> DownloadedFile:
    """Downloads one output. Requests a new URL once if the signed URL has expired or leads to a login page."""
    try:
        return await fetch(url=url)
    except TransferError as error:
        expired = error.status in EXPIRED_STATUSES or isinstance(error, IntegrityError)
        if not expired or (renewed := await fresh()) in (None, url):
            raise
        return await fetch(url=renewed)


def _with_extension(url: str, extension: str) -> str:
    """The path of a URL with the given extension. The file name is derived from it."""
    path = url.partition("?")[0]
    return path if path.endswith(extension) else path + extension


def _write_manifest(path: Path, content: Mapping[str, Any], *, folder_is_new: bool) -> None:
    """Writes the result with files as relative paths (`"./vocals.wav"`), as the official tools do.

    `folder_is_new` is true if its folder may not exist.
    """
    try:
        if folder_is_new:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        raise TransferError(f"can't write {str(path)!r}: {error.strerror}") from error
