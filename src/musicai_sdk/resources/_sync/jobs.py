# Generated from src/musicai_sdk/resources/jobs.py by scripts/generate: edit that file.
"""`client.jobs`: create jobs, wait for them, download their results, delete them."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, overload

from typing_extensions import Unpack

from musicai_sdk import _core
from musicai_sdk._core.arguments import (
    DEFAULT_WAIT,
    MANIFEST,
    CopyResultsTo,
    NewJob,
    OnUpdate,
    Progress,
    ResultStorage,
)
from musicai_sdk._core.operations import GET_JOB_STATUS
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk._io import run_sync
from musicai_sdk.models._open import JobStatus
from musicai_sdk.models.files import JobFiles
from musicai_sdk.models.job import Job, JobRef, JobState
from musicai_sdk.models.result import R, R_any, RawResult
from musicai_sdk.resources._sync.lists import JobList
from musicai_sdk.resources.method_arguments import callback, shown
from musicai_sdk.resources.method_calls import Resource
from musicai_sdk.workflows.base import Workflow


class Jobs(Resource, place="client.jobs"):
    """Jobs: paid runs of a workflow on your inputs.

    Every method accepts a job as its id, as the `JobRef` that `create` returned, or as a `Job`. From a `JobRef` or a
    `Job`, type checkers know the type of the result.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self,
        workflow: Workflow[R],
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        copy_results_to: CopyResultsTo | None = None,
        idempotency_key: str | None = None,
        settle: float | None = None,
        recover: bool = True,
        progress: bool | None = False,
        **options: Unpack[RequestOptions],
    ) -> JobRef[R]:
        """Creates a job without waiting for it. This costs money.

        First uploads the workflow's inputs that are local files. Repeats the POST only if the server can't have acted
        on it. If the answer is lost, searches the list of jobs for the new job instead.

        Args:
            workflow: A workflow with its parameters, such as `GenerateChords(input_url=Path("song.mp3"))`.
            name: A name for the dashboard; by default the last part of the slug.
            metadata: Short values to store with the job.
            copy_results_to: A `musicai_sdk.storage.Bucket`, or a mapping from output names to upload URLs (PUT). An
                output name is the wire name, or the field of the result class. The service uploads these outputs there,
                and the result has `CUSTOM_STORAGE` in their place. The URLs must stay valid until the job ends.
            idempotency_key: Your name (1 to 255 characters) for this paid request; random by default. It is stored in
                the job's metadata. If a listed job has this key, `create` returns that job and sends nothing. Within
                one client and its copies, a key never creates two jobs: concurrent calls wait for each other, and after
                a lost answer the key is never sent again unless `recover=False`. The same holds for processes that run
                one after the other, see `settle`. Two processes that use one key at the same time may create two jobs,
                because the service has no idempotency of its own (source: the official reference names none). The search
                reads the account's whole list twice before each POST: for N listed jobs, N/100 requests, and again
                N/100, or N/1,000 if the service sends pages of 1,000. With 20,000 listed jobs, these are 402 or 222
                requests. Delete jobs that you no longer need, or search yourself and pass `recover=False`.
            settle: Seconds to wait before an unlisted key counts as absent. The search continues until then, and the
                POST is sent only after a complete walk through the list that began later. Pass the longest time that
                the POST of a killed process may take to arrive and to be listed. By default, a key counts as absent
                once this process is 5 s old, which covers a process that was killed and started again.
            recover: Whether to search for the key before the POST and after a lost answer. Pass False if you search
                yourself, or if you checked the dashboard. A lost answer then raises `CreateUncertainError` at once.
            progress: Whether to show the uploads on standard error: bars by `rich` (extra `cli`), else plain lines. None
                shows them in a terminal or a notebook.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            A reference with the job's `id`, for `wait`, `get`, `download` and `delete`.

        Raises:
            CreateUncertainError: the job may exist. Either the answer was lost and the job isn't listed, or the service
                doesn't return the metadata that would show whether a job has this key. The error contains the key.
            NotFoundError: the account has no such workflow.
            InputError: the workflow or an argument is invalid, or the key belongs to another request; nothing
                was sent.
            TransferError: a local input can't be uploaded; no job was created.
        """
        checked: Workflow[R] = _core.create.workflow_of("create", workflow)
        with shown(progress) as display:
            uploads = partial(display.file, then=None)
            new = NewJob(name, metadata, copy_results_to, idempotency_key, recover, settle, uploads)
            return run_sync(_core.create.create(self._session, checked, new, options))

    @overload
    def run(
        self,
        workflow: Workflow[R],
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        copy_results_to: CopyResultsTo | None = None,
        idempotency_key: str | None = None,
        settle: float | None = None,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        **options: Unpack[RequestOptions],
    ) -> Job[R]: ...
    @overload
    def run(
        self,
        workflow: str,
        params: Mapping[str, Any],
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        copy_results_to: CopyResultsTo | None = None,
        idempotency_key: str | None = None,
        settle: float | None = None,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        **options: Unpack[RequestOptions],
    ) -> Job[RawResult]: ...
    def run(
        self,
        workflow: Workflow[Any] | str,
        params: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        copy_results_to: CopyResultsTo | None = None,
        idempotency_key: str | None = None,
        settle: float | None = None,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        **options: Unpack[RequestOptions],
    ) -> Job[Any]:
        """Creates a job and waits for its results: `create` and `wait` in one. This costs money.

        Args:
            workflow: A workflow with its parameters; or its slug, such as `"music-ai/generate-chords"`.
            params: If `workflow` is a slug, the parameters by wire name, such as `{"inputUrl": Path("song.mp3")}`.
            name: As in `create`.
            metadata: As in `create`.
            copy_results_to: As in `create`.
            idempotency_key: As in `create`.
            settle: As in `create`; `timeout` includes it.
            timeout: Seconds for uploading, creating and waiting together; None for no limit. No POST is sent after this
                time, but a POST that was sent is never interrupted.
            on_update: Called with the new state whenever the job's status changes.
            progress: Whether to show the uploads and the job on standard error, as in `create`.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The job, whose status is SUCCEEDED. The type of its `result` is that of the workflow class; for a slug,
            `RawResult`.

        Raises:
            JobFailedError: the job failed; the error has the service's code, title and message, and the job.
            WaitTimeoutError: the time is up. The job continues; the error's `job_id` has its id.
            CreateTimeoutError: the time was up before the POST was sent; nothing was paid.
            CreateUncertainError: as in `create`.
        """
        checked = _core.create.workflow_of("run", workflow, *(() if params is None else (params,)))
        with shown(progress) as display:
            uploads = partial(display.file, then=None)
            new = NewJob(name, metadata, copy_results_to, idempotency_key, settle=settle, progress_of=uploads)
            follow = display.update(callback("on_update", on_update))
            return run_sync(_core.run.run(self._session, checked, new, timeout, follow, options))

    @overload
    def get(
        self, job: str, workflow_type: type[Workflow[R]], **options: Unpack[RequestOptions]
    ) -> Job[R]: ...
    @overload
    def get(self, job: JobRef[R] | Job[R], **options: Unpack[RequestOptions]) -> Job[R]: ...
    @overload
    def get(self, job: str, **options: Unpack[RequestOptions]) -> Job[RawResult]: ...
    def get(
        self,
        job: str | JobRef[Any] | Job[Any],
        workflow_type: type[Workflow[Any]] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Job[Any]:
        """Fetches the current state of a job.

        Args:
            job: Its id, or a reference.
            workflow_type: The workflow class, which determines the type of the result: `get(id, GenerateChords)`.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: this key's application has no such job.
        """
        return run_sync(
            _core.jobs.get(self._session, job, _core.jobs.result_type_from(workflow_type), options)
        )

    def status(self, job: str | JobRef[Any] | Job[Any], **options: Unpack[RequestOptions]) -> JobState:
        """Fetches only a job's id and status, which is cheaper than `get`.

        Args:
            job: Its id, or a reference.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: this key's application has no such job.
        """
        job_id = _core.jobs.job_id_of(job)
        return run_sync(self._session.call(GET_JOB_STATUS, job_id=job_id, options=options))

    def list(
        self,
        *,
        status: JobStatus | Sequence[JobStatus] | None = None,
        workflow: type[Workflow[R_any]] | Sequence[str] | None = None,
        batch_name: str | None = None,
        page_size: int = 100,
        limit: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> JobList[R_any]:
        """Lists the jobs of the key's application, fetched page by page during iteration.

        Args:
            status: Only jobs with this status, or with one of these.
            workflow: Only jobs of these workflows, by slug; or of one workflow class, which determines the type of the
                results.
            batch_name: Only jobs of this batch.
            page_size: Jobs per request. The service's default is 100; its maximum isn't documented. The service may
                return fewer jobs per page, because only an empty page ends the list.
            limit: The most jobs to return; None for all.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            InputError: a status doesn't exist, or the workflow class has no slug.
        """
        return JobList(
            _core.lists.job_query(self._session, status, workflow, batch_name, page_size, limit, options)
        )

    def delete(self, job: str | JobRef[Any] | Job[Any], **options: Unpack[RequestOptions]) -> None:
        """Deletes a job in any state, and its result files.

        The service doesn't document whether this stops or refunds a running job.

        Args:
            job: Its id, or a reference.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: this key's application has no such job.
        """
        run_sync(_core.jobs.delete(self._session, job, options))

    @overload
    def wait(
        self,
        job: JobRef[R] | Job[R],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> Job[R]: ...
    @overload
    def wait(
        self,
        job: str,
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> Job[RawResult]: ...
    def wait(
        self,
        job: str | JobRef[Any] | Job[Any],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> Job[Any]:
        """Waits until a job succeeds or fails. Returns a failed job too; `job.raise_for_failure()` raises its error.

        Polls at once, again after half a second, then at growing intervals up to `poll_interval`. If this client
        created the job and waited for jobs of the same workflow before, the first poll comes later: when 80 % of their
        shortest recent duration, or 30 s, have passed since the creation. With `on_update` the first poll is always at
        once. A failed poll or an unknown status doesn't end the wait.

        Threads or tasks that wait at the same time share their polls: one of them polls for all, by list pages of a
        hundred jobs. Without other waits, a wait for one job polls its short status. Only waits with equal `options`
        share polls.

        Args:
            job: Its id, or a reference.
            timeout: Seconds to wait; None for no limit.
            on_update: Called with the new state whenever the status changes, in the waiting thread or task.
            progress: Whether to show the job on standard error, as in `create`. The first poll then is at once too.
            poll_interval: The longest pause between two polls, in seconds; by default the client's
                `job_monitor_interval`. Pauses above 2 s also stay below a tenth of the time waited so far.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            WaitTimeoutError: the time is up. The job continues: wait again, or delete it.
            NotFoundError: this key's application has no such job.
        """
        with shown(progress) as display:
            follow = display.update(callback("on_update", on_update))
            return run_sync(
                _core.wait.wait(self._session, job, timeout, follow, options, poll_interval=poll_interval)
            )

    @overload
    def wait_all(
        self,
        jobs: Iterable[JobRef[R] | Job[R]],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> builtins.list[Job[R]]: ...
    @overload
    def wait_all(
        self,
        jobs: Iterable[str],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> builtins.list[Job[RawResult]]: ...
    @overload
    def wait_all(
        self,
        jobs: Iterable[str | JobRef[Any] | Job[Any]],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> builtins.list[Job[Any]]: ...
    def wait_all(
        self,
        jobs: Iterable[str | JobRef[Any] | Job[Any]],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        progress: bool | None = False,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> builtins.list[Job[Any]]:
        """Waits for many jobs, with one request per hundred jobs, and returns them in the given order.

        Polls as `wait` does, and shares its polls with all other waits.

        Args:
            jobs: Any iterable of ids and references, which is consumed before the wait begins.
            timeout: Seconds to wait for all jobs together; None for no limit.
            on_update: Called with the new state whenever a job's status changes.
            progress: Whether to show on standard error how many jobs have ended, as in `create`.
            poll_interval: As in `wait`.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            WaitTimeoutError: the time is up. The error names one unfinished job, and its notes name the others.
            NotFoundError: one of the jobs doesn't exist for this key's application.
            InputError: `jobs` is a single job; use `wait`.
        """
        with shown(progress) as display:
            follow = display.update(callback("on_update", on_update))
            return run_sync(
                _core.wait.wait_all(
                    self._session, jobs, timeout, follow, options, poll_interval=poll_interval
                )
            )

    def download(
        self,
        job: str | JobRef[Any] | Job[Any],
        folder: str | os.PathLike[str],
        *,
        manifest: str = MANIFEST,
        on_progress: Progress | None = None,
        progress: bool | None = False,
        storage: ResultStorage | None = None,
        connections: int = 1,
        **options: Unpack[RequestOptions],
    ) -> JobFiles:
        """Downloads all files of a job's result into a folder, and writes the whole result as JSON beside them.

        Names each file after its output (`Kick drum.wav`), changed where needed to be valid on every file system. Also
        downloads URLs inside an output, in lists and objects at any depth, and names these files by their path:
        `stems.0.url.wav` for `{"stems": [{"url": …}]}`. Downloads outputs in your own storage from `storage`, or skips
        them without it. Renews an expired URL once. Rejects a web page or an error document in place of a recording.
        Replaces existing files only when all new files are complete.

        Fetches a `Job` again if it comes from a list, because lists may leave outputs out, and if it lacks its result or an
        output that its type declares.

        Args:
            job: Its id, or a reference; it must have succeeded.
            folder: The folder to write to; created if missing.
            manifest: The JSON file's name.
            on_progress: Called with (bytes received, total bytes or None) for each file, from several threads.
            progress: Whether to show the downloads on standard error, as in `create`.
            storage: The `musicai_sdk.storage.Bucket` that the job was created with.
            connections: The most connections to use for each file, see `client.files.download`. Up to four files are
                downloaded at the same time, whatever this number is.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            A mapping from output names to paths. `manifest` is the path of the JSON file. `missing` names the outputs
            that the result type declares but the job lacks.

        Raises:
            JobNotFinishedError: the job hasn't succeeded yet; nothing was written.
            JobFailedError: the job failed; nothing was written.
            ResultMissingError: the job succeeded, but the service returns no result. Keep the job. Nothing was written.
            IntegrityError: a download is truncated or damaged, or isn't the expected file.
            TransferError: a file can't be downloaded or written, or isn't in your storage.
            InputError: `manifest` isn't a plain file name, or `connections` is out of range.
        """
        with shown(progress) as display:
            return run_sync(
                _core.job_files.download_results(
                    self._session,
                    job,
                    folder,
                    manifest,
                    partial(display.file, then=callback("on_progress", on_progress)),
                    options,
                    storage,
                    connections=connections,
                )
            )

    def find(
        self,
        idempotency_key: str,
        *,
        workflow: Workflow[Any] | None = None,
        settle: float = 0.0,
        **options: Unpack[RequestOptions],
    ) -> Job[RawResult] | None:
        """Finds the job that was created under a key, such as `CreateUncertainError.idempotency_key`.

        Args:
            idempotency_key: The key that was passed to `create`, or that `create` generated.
            workflow: The workflow that was passed to `create`. It tells which jobs may be the wanted one if the service
                returns their metadata without the key.
            settle: Seconds to search before the job counts as absent, because the service may list a job late.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The job, or None if certainly no listed job has the key. None requires a complete walk through the list that
            began at least `settle` seconds after the call and can't have missed a job.

        Raises:
            CreateUncertainError: the job isn't listed, but it may exist: the list changes too fast for a proof, or the
                service doesn't return the metadata that contains the key.
        """
        return run_sync(
            _core.create.find(self._session, idempotency_key, options, workflow=workflow, settle=settle)
        )
