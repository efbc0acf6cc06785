"""Where the results of a run are stored: a folder on the local disk, or a bucket."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from musicai_sdk import AsyncMusicAiClient, workflows
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.results import verify
from musicai_sdk.batch.results.output import MANIFEST, UNNAMED, OutputRecord
from musicai_sdk.errors import InputError, IntegrityError
from musicai_sdk.models import CUSTOM_STORAGE, FileUrl, Job
from musicai_sdk.models.files import RESULT_MANIFEST
from musicai_sdk.models.job import declare_outputs
from musicai_sdk.models.result import DeclaredOutput
from musicai_sdk.models.result_files import check_result, with_files
from musicai_sdk.storage import Bucket, ObjectNotFoundError, StoredObject
from musicai_sdk.storage.objects import SCHEMES
from musicai_sdk.storage.outputs import declared_files, object_name
from musicai_sdk.workflows import CustomWorkflow, Workflow

OnBytes = Callable[[int, int | None], object]
"""Called with the bytes received of a file and its size if known, from several threads."""

_ETAG = "etag:"
"""Prefix of an object's digest in the ledger: a bucket gives an ETag, and computes no SHA-256."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a track's folder contains."""

    results_at: float | None = None
    """When results were stored there, in seconds since 1970; None if there are none."""
    outputs: bool = False
    """Whether the service has written outputs there, which would count as those of the next job."""


@dataclass(frozen=True, slots=True)
class FolderDestination:
    """A folder on the local disk. Every track has a folder of its own in it."""

    out: Path
    declared: tuple[DeclaredOutput, ...] = ()
    """The outputs that the workflow's class declares; empty for a slug."""

    async def upload_urls(self, track: Track, workflow: CustomWorkflow) -> Mapping[str, str] | None:
        """Signed URLs where the service itself writes a job's outputs. None: it keeps them until they are downloaded."""

    async def contents(self, folder: str) -> Contents:
        """What a track's folder contains before its job is created."""
        # One call that rarely finds a file, so not worth a thread.
        with suppress(OSError, ValueError):
            return Contents(os.stat(f"{self.out}/{folder}/{RESULT_MANIFEST}").st_mtime)  # noqa: PTH116 - fast
        return Contents()

    async def fetch(
        self, client: AsyncMusicAiClient, job: Job[Any], track: Track, on_bytes: OnBytes
    ) -> list[OutputRecord]:
        """Stores all results of a job, and returns them as `verified` does. May be repeated.

        Args:
            client: The run's client.
            job: The job, as `GET /job/{id}` gives it: a list of jobs may leave parts out.
            track: The job's track.
            on_bytes: Called as bytes arrive.

        Raises:
            ResultMissingError: there is no result, or a part of it is missing. The job must be kept.
            IntegrityError: as `verified`.
            TransferError: a file can't be transferred.
        """
        if any(each.value is CUSTOM_STORAGE for each in check_result(job, self.declared)):
            raise InputError(
                f"an earlier run had the results of job {job.id} written to a bucket: pass that bucket as out"
            )
        folder = self.out / track.folder
        is_new = not folder.exists()
        declare_outputs(job, self.declared)
        files = await client.jobs.download(job, folder, on_progress=on_bytes)
        return await asyncio.to_thread(verify.downloaded, files, self.out, is_new=is_new)

    def verified(self, outputs: Sequence[OutputRecord]) -> list[OutputRecord]:
        """Recorded outputs read back from the disk, durable, so that the job may be deleted. Blocks.

        Raises:
            IntegrityError: one is missing or differs from what was recorded.
        """
        return verify.verified(outputs, self.out)


@dataclass(frozen=True, slots=True)
class BucketDestination:
    """A bucket. The service writes outputs whose names are known; others pass through this machine."""

    bucket: Bucket
    declared: tuple[DeclaredOutput, ...] = ()
    """The outputs that the workflow's class declares; empty for a slug."""

    async def upload_urls(self, track: Track, workflow: CustomWorkflow) -> Mapping[str, str] | None:
        """Signs URLs in the track's own folder, so that a later run with the same job finds the outputs."""
        if self.bucket.named_outputs is None or not self.bucket.takes_uploads:
            return None
        view = self.bucket.in_folder(track.folder)
        return await asyncio.to_thread(view.upload_urls, workflow, track.idempotency_key or "")

    async def contents(self, folder: str) -> Contents:
        """What a track's folder contains before its job is created."""

        def look() -> Contents:
            # Without subfolders, which belong to other tracks.
            found = {each.name: each for each in self.bucket.below(folder).objects() if "/" not in each.name}
            manifest = found.pop(RESULT_MANIFEST, None)
            at = manifest.modified.timestamp() if manifest is not None else None
            return Contents(at, bool(found) and self.bucket.named_outputs is not None)

        return await asyncio.to_thread(look)

    async def fetch(
        self, client: AsyncMusicAiClient, job: Job[Any], track: Track, on_bytes: OnBytes
    ) -> list[OutputRecord]:
        """As `FolderDestination.fetch`: finds what the service wrote, and uploads the rest."""
        values = check_result(job, self.declared)
        stored = await asyncio.to_thread(self.bucket.in_folder(track.folder).outputs, job)
        if any(isinstance(each.value, FileUrl) for each in values):
            declare_outputs(job, self.declared)
            with tempfile.TemporaryDirectory(prefix="musicai-") as folder:
                files = await client.jobs.download(job, folder, on_progress=on_bytes)
                for output, path in files.items():
                    name = f"{track.folder}/{object_name(output)}{path.suffix}"
                    stored[output] = await asyncio.to_thread(self.bucket.upload, name, path)
        result = with_files(
            job.raw_result or {},
            {each.path: f"./{stored[each.name].name.rpartition('/')[2]}" for each in values},
        )
        text = json.dumps(result, ensure_ascii=False, indent=2) + "\n"
        manifest = await asyncio.to_thread(
            self.bucket.upload, f"{track.folder}/{RESULT_MANIFEST}", text.encode()
        )
        records = [_record(output or UNNAMED, each) for output, each in stored.items()]
        records.append(_record(MANIFEST, manifest))
        return await asyncio.to_thread(self.verified, records)

    def verified(self, outputs: Sequence[OutputRecord]) -> list[OutputRecord]:
        """As `FolderDestination.verified`: each object exists, isn't empty, and has the recorded size and ETag."""
        checked = list[OutputRecord]()
        for recorded in outputs:
            try:
                found = _record(recorded.name, self.bucket.find(recorded.path))
            except ObjectNotFoundError as error:
                raise IntegrityError(str(error), url=error.url) from None
            if found != recorded or not found.size:
                raise IntegrityError(f"{self.bucket.url}/{recorded.path} is empty, or not what was written")
            checked.append(found)
        return checked


Destination: TypeAlias = FolderDestination | BucketDestination
"""Stores the results of all tracks."""


def _record(output: str, each: StoredObject) -> OutputRecord:
    return OutputRecord(output, each.name, each.size, f"{_ETAG}{each.etag}" if each.etag else None)


def destination_for(
    out: str | os.PathLike[str] | Bucket, declared: tuple[DeclaredOutput, ...] = ()
) -> Destination:
    """The destination for an output folder or a bucket.

    Args:
        out: The folder or bucket.
        declared: The outputs that the workflow's class declares, if a class was given.
    """
    return (
        BucketDestination(out, declared)
        if isinstance(out, Bucket)
        else FolderDestination(Path(out), declared)
    )


def bucket_of(out: str | os.PathLike[str] | Bucket, workflow: type[Workflow[Any]] | str) -> Bucket | None:
    """The bucket for results, with the outputs that the workflow declares; None for a folder.

    Raises:
        InputError: it isn't the URL of a bucket, or its named outputs aren't the workflow's.
        ConfigurationError: obstore isn't installed, or the bucket can't be used as configured.
    """
    if isinstance(out, str) and out.startswith(SCHEMES):
        out = Bucket(out)
    if not isinstance(out, Bucket):
        return None
    known = _class_of(workflow) if isinstance(workflow, str) else workflow
    if out.named_outputs is not None or known is None:
        return out
    declared = declared_files(known.result_type)
    return out.for_outputs(declared) if declared else out


def _class_of(slug: str) -> type[Workflow[Any]] | None:
    """The class of one of the service's known workflows, by its slug; an account may lack some."""
    every = (getattr(workflows, name) for name in workflows.__all__)
    return next(
        (each for each in every if isinstance(each, type) and getattr(each, "slug", None) == slug), None
    )
