"""Where the results of a run go: a folder on this machine's disk, or a bucket."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from musicai_sdk import AsyncMusicAiClient, workflows
from musicai_sdk._files import clear_abandoned
from musicai_sdk.batch.errors import LedgerMismatchError
from musicai_sdk.batch.ledger.claim import MARKER, Claim
from musicai_sdk.batch.ledger.database import found_from, seen_from
from musicai_sdk.batch.ledger.ledger import Ledger
from musicai_sdk.batch.ledger.states import SAFE, sql
from musicai_sdk.batch.ledger.track import Track
from musicai_sdk.batch.results import verify
from musicai_sdk.batch.results.verify import MANIFEST, Output
from musicai_sdk.errors import InputError, IntegrityError
from musicai_sdk.models import CUSTOM_STORAGE, FileUrl, Job
from musicai_sdk.models.files import RESULT_MANIFEST
from musicai_sdk.models.result import DeclaredOutput
from musicai_sdk.models.result_files import check_result, result_files, with_files
from musicai_sdk.storage import Bucket, ObjectNotFoundError, StoredObject
from musicai_sdk.storage.objects import SCHEMES
from musicai_sdk.storage.outputs import declared_files, object_name
from musicai_sdk.workflows import CustomWorkflow, Workflow

Moved = Callable[[int, int | None], object]
"""Called with the bytes received of a file, and its bytes in all, from several threads."""

_LOOKS = 5
"""Results that are looked for in a folder that a ledger wasn't run with before."""
_ETAG = "etag:"
"""What the digest of an object begins with in the ledger: a bucket tells an ETag, and computes no SHA-256."""


class Destination(Protocol):
    """Holds the results of all tracks, each in a folder of its own."""

    async def upload_urls(self, track: Track, workflow: CustomWorkflow) -> Mapping[str, str] | None:
        """Where the service itself is to copy a job's outputs, signed now; None when they are fetched from there."""
        ...

    async def fetch(
        self, client: AsyncMusicAiClient, job: Job[Any], track: Track, moved: Moved
    ) -> list[Output]:
        """Brings all results of a job here, and returns what they are; safe to do again.

        Args:
            client: The run's client.
            job: The job, as `GET /job/{id}` gives it: a list of jobs may say less.
            track: The job's track.
            moved: Called as bytes arrive.

        Raises:
            ResultMissingError: there is no result, or a part of it is missing: the job must be kept.
            TransferError: a file can't be brought here.
        """
        ...

    def verified(self, outputs: list[Output]) -> list[Output]:
        """The outputs as they are now, lasting: after this the job may be deleted. Blocks.

        Raises:
            IntegrityError: one is missing or isn't what was recorded.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderDestination:
    """A folder."""

    out: Path
    declared: tuple[DeclaredOutput, ...] = ()
    """What the workflow's class says of its outputs; empty when it was given by its slug."""

    async def upload_urls(self, track: Track, workflow: CustomWorkflow) -> None:
        """The service keeps them until they are fetched."""

    async def fetch(
        self, client: AsyncMusicAiClient, job: Job[Any], track: Track, moved: Moved
    ) -> list[Output]:
        """Downloads them."""
        check_result(job, self.declared)
        if any(each.value is CUSTOM_STORAGE for each in result_files(job.raw_result)):
            raise InputError(
                f"results of job {job.id} were copied to a bucket by an earlier run: run it with that bucket as out"
            )
        files = await client.jobs.download(job, self.out / track.folder, on_progress=moved)
        # The folder is this track's alone, and a run that was killed may have been writing there.
        await asyncio.to_thread(clear_abandoned, files.manifest)
        return verify.downloaded(files, self.out)

    def verified(self, outputs: list[Output]) -> list[Output]:
        """Reads them back from the disk."""
        return verify.verified(outputs, self.out)


@dataclass(frozen=True, slots=True)
class BucketDestination:
    """A bucket. Outputs whose names are known are written by the service; others pass through this machine."""

    bucket: Bucket
    declared: tuple[DeclaredOutput, ...] = ()
    """As in `FolderDestination`."""

    async def upload_urls(self, track: Track, workflow: CustomWorkflow) -> Mapping[str, str] | None:
        """Signed for the track's own folder, so that a run that goes on with the job finds them."""
        if self.bucket.named_outputs is None or not self.bucket.takes_uploads:
            return None
        view = self.bucket.in_folder(track.folder)
        return await asyncio.to_thread(view.upload_urls, workflow, track.idempotency_key or "")

    async def fetch(
        self, client: AsyncMusicAiClient, job: Job[Any], track: Track, moved: Moved
    ) -> list[Output]:
        """Finds what the service has written, and brings what it hasn't."""
        check_result(job, self.declared)
        there = await asyncio.to_thread(self.bucket.in_folder(track.folder).outputs, job)
        held = result_files(job.raw_result)
        if any(isinstance(each.value, FileUrl) for each in held):
            with tempfile.TemporaryDirectory(prefix="musicai-") as folder:
                files = await client.jobs.download(job, folder, on_progress=moved)
                for output, path in files.items():
                    name = f"{track.folder}/{object_name(output)}{path.suffix}"
                    there[output] = await asyncio.to_thread(self.bucket.upload, name, path)
        result = with_files(
            job.raw_result or {},
            {each.path: f"./{there[each.name].name.rpartition('/')[2]}" for each in held},
        )
        text = json.dumps(result, ensure_ascii=False, indent=2) + "\n"
        there[MANIFEST] = await asyncio.to_thread(
            self.bucket.upload, f"{track.folder}/{RESULT_MANIFEST}", text.encode()
        )
        return [_recorded(output, each) for output, each in there.items()]

    def verified(self, outputs: list[Output]) -> list[Output]:
        """Looks up each: that it is there, isn't empty, and has the size and the ETag that were recorded."""
        checked = list[Output]()
        for recorded in outputs:
            try:
                found = _recorded(recorded[0], self.bucket.find(recorded[1]))
            except ObjectNotFoundError as error:
                raise IntegrityError(str(error), url=error.url) from None
            if found != recorded or not found[2]:
                raise IntegrityError(f"{self.bucket.url}/{recorded[1]} is empty, or not what was written")
            checked.append(found)
        return checked


def _recorded(output: str, each: StoredObject) -> Output:
    return output, each.name, each.size, f"{_ETAG}{each.etag}" if each.etag else None


def destination_for(
    out: str | os.PathLike[str] | Bucket, declared: tuple[DeclaredOutput, ...] = ()
) -> Destination:
    """The place that an output folder or a bucket is.

    Args:
        out: The folder or bucket.
        declared: What the workflow's class says of its outputs, if a class was given.
    """
    return (
        BucketDestination(out, declared)
        if isinstance(out, Bucket)
        else FolderDestination(Path(out), declared)
    )


def bucket_of(out: str | os.PathLike[str] | Bucket, workflow: type[Workflow[Any]] | str) -> Bucket | None:
    """The bucket that results go to, for the outputs that the workflow declares; None for a folder.

    Raises:
        InputError: it isn't the URL of a bucket, or named outputs aren't the workflow's.
        ConfigurationError: obstore isn't installed, or the bucket can't be used as configured.
    """
    if isinstance(out, str) and out.startswith(SCHEMES):
        out = Bucket(out)
    if not isinstance(out, Bucket):
        return None
    known = _template(workflow) if isinstance(workflow, str) else workflow
    if out.named_outputs is not None or known is None:
        return out
    declared = declared_files(known.result_type)
    return out.for_outputs(declared) if declared else out


def _template(slug: str) -> type[Workflow[Any]] | None:
    """The class of a workflow that every account has, by its slug."""
    every = (getattr(workflows, name) for name in workflows.__all__)
    return next(
        (each for each in every if isinstance(each, type) and getattr(each, "slug", None) == slug), None
    )


def claim_output(ledger: Ledger, bucket: Bucket | None, out: Path, claim: Claim) -> None:
    """Notes where the results of a ledger's tracks are, that they can be written there, and by this ledger alone.

    Args:
        ledger: The ledger.
        bucket: The bucket for results; None for a folder.
        out: The output folder, which is made.
        claim: The run's claim on it.

    Raises:
        LedgerMismatchError: they are elsewhere: this run would skip what another place has. Or another ledger's
            results are in the folder: the two would overwrite each other's.
        LedgerError: the ledger lacks what was written to it last, or isn't the one that was used here.
        InputError: the folder can't be made or written.
    """
    url = bucket.url if bucket is not None else ""
    claim.check(ledger.opened)
    doubtful = claim.doubtful(ledger.opened)
    with ledger.transaction() as db:
        known = _noted(db, "bucket")
        begun = known is not None or db.execute("SELECT 1 FROM tracks LIMIT 1").fetchone() is not None
        if begun and (known or "") != url:
            raise LedgerMismatchError(
                f"the results of ledger {str(ledger.path)!r} are in {known or 'a folder'}, not in {url or 'a folder'}:"
                " give every place a ledger of its own"
            )
        if bucket is None:
            _check_results(db, ledger.path, out)
        try:
            if bucket is None:
                _try_out(out)
            claim.take(ledger.opened.id, ledger.opened.commits)
        except OSError as error:
            raise InputError(
                f"results can't be written to {str(out)!r} ({error.strerror or error}): nothing was sent"
            ) from None
        if ledger.opened.is_new:
            claim.adopt(db)
        elif doubtful:
            ledger.doubt()
        rows = [("bucket", url), ("out", seen_from(ledger.path, out))]
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
    ledger.use(claim)


def _noted(db: sqlite3.Connection, name: str) -> str | None:
    row: tuple[str] | None = db.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchone()
    return row[0] if row is not None else None


def _check_results(db: sqlite3.Connection, path: Path, out: Path) -> None:
    """What the ledger calls done is in this folder, if it says that it is in another one."""
    known = _noted(db, "out")
    if known is None or _same(found_from(path, known), out):
        return
    rows: list[tuple[str]] = db.execute(
        f"SELECT path FROM outputs JOIN tracks ON tracks.key = track WHERE state IN {sql(SAFE)} LIMIT ?",  # noqa: S608
        [_LOOKS],
    ).fetchall()
    if rows and not any((out / name).exists() for (name,) in rows):
        before = str(found_from(path, known))
        raise LedgerMismatchError(
            f"the results of ledger {str(path)!r} are in {before!r}, and would be skipped, not brought to {str(out)!r}:"
            " move them there first, or give that folder a ledger of its own"
        )


def _try_out(out: Path) -> None:
    """Makes the folder, and writes to it: what can't be kept is better not paid for."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=out, prefix=MARKER) as probe:
        probe.write(b"probe")


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file or folder, which need not be there."""
    return one.resolve() == other.resolve()
