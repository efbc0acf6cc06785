"""The results of a job as files in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from musicai_sdk._core.arguments import Progress, ResultStorage
from musicai_sdk._core.downloading import download
from musicai_sdk._core.fetching import get
from musicai_sdk._core.names import file_names
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.own_storage import download_urls
from musicai_sdk._core.session import Session
from musicai_sdk._core.storage import EXPIRED_STATUSES
from musicai_sdk._files import write_text
from musicai_sdk._names import safe_name
from musicai_sdk.errors import InputError, TransferError
from musicai_sdk.models.files import DownloadedFile, JobFiles
from musicai_sdk.models.job import Job, JobRef
from musicai_sdk.models.outputs import FileUrl

AT_ONCE = 4
"""Outputs of one job that are downloaded at the same time."""


async def download_results(
    session: Session,
    job: str | JobRef[Any] | Job[Any],
    folder: str | os.PathLike[str],
    manifest: str,
    on_progress: Progress | None,
    options: RequestOptions,
    storage: ResultStorage | None = None,
) -> JobFiles:
    """Downloads every file output as `<output>.<extension>`, and writes the result as JSON beside them.

    Outputs that are `CUSTOM_STORAGE` come from `storage`; without one they are left out.
    """
    if safe_name(manifest) != manifest:
        raise InputError(f"the manifest's name must be a plain file name, not {manifest!r}")
    if not isinstance(job, Job) or not job.done:
        job = await get(session, job, None, options)
    job.raise_for_success()
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise TransferError(f"can't download into {str(target)!r}: it is a file, give a folder")
    stored = await download_urls(session, storage, job)
    urls, named = dict[str, str](), dict[str, str]()
    for name, value in job.outputs.items():
        if isinstance(value, FileUrl):
            urls[name] = named[name] = str(value)
        elif name in stored:
            urls[name], extension = stored[name]
            named[name] = _with_extension(urls[name], extension)
    names = file_names(named, by_output=session.settings.names_by_output, taken=[manifest])

    async def fresh(name: str) -> str | None:
        if name in stored:
            return (await download_urls(session, storage, job))[name][0]
        value = (await get(session, job, None, options)).outputs.get(name)
        return str(value) if isinstance(value, FileUrl) else None

    tasks = [
        partial(_output, session, url, target / names[name], on_progress, options, partial(fresh, name))
        for name, url in urls.items()
    ]
    files = dict(zip(urls, await session.io.gather(tasks, AT_ONCE), strict=True))
    path = _write_manifest(target / manifest, job.raw_result or {}, names)
    return JobFiles(folder=target, manifest=path, files=files)


async def _output(
    session: Session,
    url: str,
    path: Path,
    on_progress: Progress | None,
    options: RequestOptions,
    fresh: Callable[[], Coroutine[Any, Any, str | None]],
) -> DownloadedFile:
    """One output. If its signed URL has expired, a fresh one is asked for once."""
    try:
        return await download(session, url, path, on_progress, options)
    except TransferError as error:
        if error.status not in EXPIRED_STATUSES or (renewed := await fresh()) in (None, url):
            raise
    return await download(session, renewed or "", path, on_progress, options)


def _with_extension(url: str, extension: str) -> str:
    """The path of a URL for naming a file, with the extension that the file should get."""
    path = url.partition("?")[0]
    return path if path.endswith(extension) else path + extension


def _write_manifest(path: Path, result: Mapping[str, Any], names: Mapping[str, str]) -> Path:
    """The result with files as relative paths (`"./vocals.wav"`), as the official tools write it."""
    content = {name: f"./{names[name]}" if name in names else value for name, value in result.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        raise TransferError(f"can't write {str(path)!r}: {error.strerror}") from error
    return path
