"""The results of a job as files in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from musicai_sdk._core.arguments import Progress
from musicai_sdk._core.downloading import download
from musicai_sdk._core.fetching import get
from musicai_sdk._core.names import PARTIAL, file_names
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk._core.storage import EXPIRED_STATUSES
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
) -> JobFiles:
    """Downloads every file output as `<output>.<extension>`, and writes the result as JSON beside them."""
    if safe_name(manifest) != manifest:
        raise InputError(f"the manifest's name must be a plain file name, not {manifest!r}")
    if not isinstance(job, Job) or not job.done:
        job = await get(session, job, None, options)
    job.raise_for_success()
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise TransferError(f"can't download into {str(target)!r}: it is a file, give a folder")
    urls = {name: value for name, value in job.outputs.items() if isinstance(value, FileUrl)}
    names = file_names(urls, by_output=session.settings.names_by_output, taken=[manifest])
    tasks = [
        partial(_output, session, job, name, url, target / names[name], on_progress, options)
        for name, url in urls.items()
    ]
    files = dict(zip(urls, await session.io.gather(tasks, AT_ONCE), strict=True))
    path = _write_manifest(target / manifest, job.raw_result or {}, names)
    return JobFiles(folder=target, manifest=path, files=files)


async def _output(
    session: Session,
    job: Job[Any],
    name: str,
    url: str,
    path: Path,
    on_progress: Progress | None,
    options: RequestOptions,
) -> DownloadedFile:
    """One output. If its signed URL has expired, the job is fetched once more for a fresh one."""
    try:
        return await download(session, url, path, on_progress, options)
    except TransferError as error:
        if error.status not in EXPIRED_STATUSES:
            raise
        fresh = (await get(session, job, None, options)).outputs.get(name)
        if not isinstance(fresh, FileUrl) or fresh == url:
            raise
    return await download(session, fresh, path, on_progress, options)


def _write_manifest(path: Path, result: Mapping[str, Any], names: Mapping[str, str]) -> Path:
    """The result with files as relative paths (`"./vocals.wav"`), as the official tools write it."""
    content = {name: f"./{names[name]}" if name in names else value for name, value in result.items()}
    part = path.with_name(path.name + PARTIAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        os.replace(part, path)  # noqa: PTH105 - atomic
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TransferError(f"can't write {str(path)!r}: {error.strerror}") from error
    return path
