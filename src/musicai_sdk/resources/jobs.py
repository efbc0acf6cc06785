"""`client.jobs`: create, follow, fetch and delete jobs."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Mapping, Sequence
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
from musicai_sdk.models._open import JobStatus
from musicai_sdk.models.files import JobFiles
from musicai_sdk.models.job import Job, JobRef, JobState
from musicai_sdk.models.result import R, R_any, RawResult
from musicai_sdk.resources.lists import AsyncJobList
from musicai_sdk.resources.misplaced_arguments import explain_misplaced
from musicai_sdk.workflows.base import Workflow


class AsyncJobs:
    """Jobs: paid work of a workflow on your inputs.

    A job is given as its id, as the `JobRef` that `create` returned, or as a `Job`; the latter two carry the type of
    the result on.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @explain_misplaced
    async def create(
        self,
        workflow: Workflow[R],
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        copy_results_to: CopyResultsTo | None = None,
        idempotency_key: str | None = None,
        settle: float | None = None,
        recover: bool = True,
        **options: Unpack[RequestOptions],
    ) -> JobRef[R]:
        """Creates a job, and doesn't wait for it. This costs money.

        Local files among the workflow's inputs are uploaded first. The POST is only sent again when the server can't
        have acted on it; if its answer is lost, the job is looked for by its key instead.

        Args:
            workflow: A workflow with its parameters, such as `GenerateChords(input_url=Path("song.mp3"))`.
            name: A name for the dashboard; the last part of the slug when left out.
            metadata: Short values to find on the job again.
            copy_results_to: A `musicai_sdk.storage.Bucket`, or upload URLs (PUT) by output, named as on the wire or
                as the field of the result's class: those outputs go to your own storage, and stand as
                `CUSTOM_STORAGE` in the result. URLs must be valid until the job ends.
            idempotency_key: A name of your own (1 to 255 characters) for this one paid request; a random one when left
                out. It travels in the job's metadata, and a `create` with a key that a listed job carries returns that
                job and sends nothing. Within one client that is exact: calls at the same time wait for each other, and
                a key whose answer was lost is never sent again unless `recover=False`. Across processes it holds
                for those that come after each other, see `settle`. Two processes that use one key at the same time may
                create two jobs: the service has no idempotency of its own (source: the official reference names none).
            settle: Seconds after this call from which on a key that isn't listed counts as absent: the job is looked
                for until then, and only a whole walk of the list that begins then permits the POST. Give the longest
                time that a POST of a process that was killed may take to arrive, plus that until the service lists
                it. When left out, the process must be 5 s old, which covers one that was killed and started again.
            recover: False to send the POST without looking for a job of this key, before or after it: for callers who
                look for lost jobs themselves, and for a key that was looked up in the dashboard. A lost answer is a
                `CreateUncertainError` at once then.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            A reference with the job's `id`, for `wait`, `get`, `download` and `delete`.

        Raises:
            CreateUncertainError: the answer was lost and the job isn't listed; or whether a job has the key already
                can't be known, because the service doesn't give metadata back. The job may exist; has the key.
            NotFoundError: no such workflow.
            InputError: the workflow or an argument can't be right, or the key is another request's; nothing was
                sent.
            TransferError: a local input can't be uploaded; no job was created.
        """
        checked: Workflow[R] = _core.create.workflow_of("create", workflow)
        new = NewJob(name, metadata, copy_results_to, idempotency_key, recover, settle)
        return await _core.create.create(self._session, checked, new, options)

    @overload
    async def run(
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
        **options: Unpack[RequestOptions],
    ) -> Job[R]: ...
    @overload
    async def run(
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
        **options: Unpack[RequestOptions],
    ) -> Job[RawResult]: ...
    @explain_misplaced
    async def run(
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
        **options: Unpack[RequestOptions],
    ) -> Job[Any]:
        """Creates a job and waits for its results: `create` and `wait` in one. This costs money.

        Args:
            workflow: A workflow with its parameters; or its slug, such as `"music-ai/generate-chords"`.
            params: The parameters by wire name, such as `{"inputUrl": Path("song.mp3")}`, when `workflow` is a slug.
            name: As in `create`.
            metadata: As in `create`.
            copy_results_to: As in `create`.
            idempotency_key: As in `create`.
            settle: As in `create`; it counts among the `timeout`.
            timeout: Seconds for uploading, creating and waiting together; None for without end. The job is not
                created once they are over, and a POST that was sent is not cut short.
            on_update: Called with the new state whenever the job's status changes.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The job, SUCCEEDED; its `result` is typed by the workflow.

        Raises:
            JobFailedError: the job failed; has the service's code, title and message, and the job.
            WaitTimeoutError: the time is over; the job goes on and has the error's `job_id`.
            CreateTimeoutError: the time was over before: no job was created.
            CreateUncertainError: as in `create`.
        """
        checked = _core.create.workflow_of("run", workflow, *(() if params is None else (params,)))
        new = NewJob(name, metadata, copy_results_to, idempotency_key, settle=settle)
        return await _core.run.run(self._session, checked, new, timeout, on_update, options)

    @overload
    async def get(
        self, job: str, workflow_type: type[Workflow[R]], **options: Unpack[RequestOptions]
    ) -> Job[R]: ...
    @overload
    async def get(self, job: JobRef[R] | Job[R], **options: Unpack[RequestOptions]) -> Job[R]: ...
    @overload
    async def get(self, job: str, **options: Unpack[RequestOptions]) -> Job[RawResult]: ...
    async def get(
        self,
        job: str | JobRef[Any] | Job[Any],
        workflow_type: type[Workflow[Any]] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Job[Any]:
        """Fetches a job as it is now.

        Args:
            job: Its id, or a reference.
            workflow_type: The class of its workflow, which types the result: `get(id, GenerateChords)`.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        result_type = workflow_type.result_type if workflow_type is not None else None
        return await _core.jobs.get(self._session, job, result_type, options)

    async def status(self, job: str | JobRef[Any] | Job[Any], **options: Unpack[RequestOptions]) -> JobState:
        """Fetches a job's id and status only: the cheap answer to "how far is it?".

        Args:
            job: Its id, or a reference.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        job_id = _core.jobs.job_id_of(job)
        return await self._session.call(GET_JOB_STATUS, job_id=job_id, options=options)

    def list(
        self,
        *,
        status: JobStatus | Sequence[JobStatus] | None = None,
        workflow: type[Workflow[R_any]] | Sequence[str] | None = None,
        batch_name: str | None = None,
        page_size: int = 100,
        limit: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncJobList[R_any]:
        """The jobs of this key's application, fetched a page at a time while they are iterated.

        Args:
            status: Only jobs with this status, or with one of these.
            workflow: Only jobs of these workflows, by slug; or of one by its class, which types the results.
            batch_name: Only jobs of this batch.
            limit: At most so many jobs; None for all. Fewer are asked for at once if that is enough.
            page_size: Jobs asked for with one request. 100 is the service's default; its maximum isn't known, and a
                server that gives fewer is followed page by page all the same: the end is an empty page.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            InputError: there is no such status, or the class has no slug.
        """
        return AsyncJobList(
            _core.lists.job_query(self._session, status, workflow, batch_name, page_size, limit, options)
        )

    async def delete(self, job: str | JobRef[Any] | Job[Any], **options: Unpack[RequestOptions]) -> None:
        """Deletes a job, in whatever state it is; its result files go with it.

        Whether deleting a running job stops it or gives money back isn't documented.

        Args:
            job: Its id, or a reference.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        await _core.jobs.delete(self._session, job, options)

    @overload
    async def wait(
        self,
        job: JobRef[R] | Job[R],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> Job[R]: ...
    @overload
    async def wait(
        self,
        job: str,
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> Job[RawResult]: ...
    async def wait(
        self,
        job: str | JobRef[Any] | Job[Any],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> Job[Any]:
        """Waits until a job has succeeded or failed; a failed job is returned too (`job.raise_for_failure()`).

        The first poll is at once, the next after half a second, then less and less often, up to `poll_interval`. For
        a job that this client has created, and whose workflow it has waited for before, the first poll comes when 80 %
        of the shortest recent duration are over, at most after 30 s; with `on_update` it is at once then too. Failing
        polls don't end the wait, nor does a status that this version doesn't know.

        Threads or tasks that wait at the same time share their polls: one of them asks for all, by list pages of a
        hundred jobs. One alone asks for the short status. Those with `options` share with those that have the same.

        Args:
            job: Its id, or a reference.
            timeout: Seconds to wait; None waits without end.
            on_update: Called with the new state whenever the status changes; in this thread or task.
            poll_interval: The longest pause between two polls, in seconds; the client's `job_monitor_interval` when
                left out. Above 2 s it isn't used up before the job was waited for ten times as long.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            WaitTimeoutError: the time is over. The job goes on; wait for it again, or delete it.
            NotFoundError: no such job for this key's application.
        """
        return await _core.wait.wait(
            self._session, job, timeout, on_update, options, poll_interval=poll_interval
        )

    @overload
    async def wait_all(
        self,
        jobs: Iterable[JobRef[R] | Job[R]],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> builtins.list[Job[R]]: ...
    @overload
    async def wait_all(
        self,
        jobs: Iterable[str],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> builtins.list[Job[RawResult]]: ...
    @overload
    async def wait_all(
        self,
        jobs: Iterable[str | JobRef[Any] | Job[Any]],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> builtins.list[Job[Any]]: ...
    async def wait_all(
        self,
        jobs: Iterable[str | JobRef[Any] | Job[Any]],
        *,
        timeout: float | None = DEFAULT_WAIT,
        on_update: OnUpdate | None = None,
        poll_interval: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> builtins.list[Job[Any]]:
        """Waits for many jobs with one request per page of a hundred, and returns them in the given order.

        It polls as `wait` does, and shares its polls with everybody else who waits.

        Args:
            jobs: Ids or references, also mixed: a list, or whatever else can be iterated. It is gone through once, at
                first.
            timeout: Seconds to wait for all of them; None waits without end.
            on_update: Called with the new state whenever the status of one changes.
            poll_interval: As in `wait`.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            WaitTimeoutError: the time is over; names an unfinished job, its notes name the others.
            NotFoundError: one of them doesn't exist for this key's application.
            InputError: a single job: `wait` waits for it.
        """
        return await _core.wait.wait_all(
            self._session, jobs, timeout, on_update, options, poll_interval=poll_interval
        )

    async def download(
        self,
        job: str | JobRef[Any] | Job[Any],
        folder: str | os.PathLike[str],
        *,
        manifest: str = MANIFEST,
        on_progress: Progress | None = None,
        storage: ResultStorage | None = None,
        **options: Unpack[RequestOptions],
    ) -> JobFiles:
        """Downloads all files of a job's result into a folder, and writes the whole result as JSON beside them.

        Files are named after their outputs (`Kick drum.wav`), made safe for every file system. A URL inside an output,
        in lists and objects of any depth, is a file too, named after the way to it: `stems.0.url.wav` for
        `{"stems": [{"url": …}]}`. Outputs in your own storage come from `storage`, and are skipped without it. A
        signed URL that has expired is renewed once. A web page or an error document in the place of a recording isn't
        kept. Files of the same names are replaced, once all of the new ones are whole.

        A `Job` that has no result, or lacks an output that its type declares, is fetched once more: it may come from
        a list, and lists may leave things out.

        Args:
            job: Its id, or a reference; it must have succeeded.
            folder: Where to; it is made when it doesn't exist.
            manifest: The JSON file's name.
            on_progress: Called with (bytes received, bytes in all or None) of each file, from several threads.
            storage: The `musicai_sdk.storage.Bucket` that the job was created with.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The paths by output name, the `manifest`, and in `missing` the outputs that the result's type declares
            and the job doesn't have.

        Raises:
            JobNotFinishedError: it hasn't succeeded yet; nothing was written.
            JobFailedError: it failed; nothing was written.
            ResultMissingError: it has succeeded, but the service gives no result: keep the job. Nothing was written.
            IntegrityError: what arrived is cut, damaged, or something else than the file.
            TransferError: a file can't be downloaded or written, or isn't in your storage.
        """
        return await _core.job_files.download_results(
            self._session, job, folder, manifest, on_progress, options, storage
        )

    async def find(
        self, idempotency_key: str, *, settle: float = 0.0, **options: Unpack[RequestOptions]
    ) -> Job[RawResult] | None:
        """Looks for the job that was created under a key, such as `CreateUncertainError.idempotency_key`.

        Args:
            idempotency_key: The key given to `create`, or generated by it.
            settle: Seconds for which the job is looked for before it counts as absent: it may be listed late.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The job; None when the service certainly lists none with that key: the whole list was read, from `settle`
            seconds after the call on, until nothing could have been missed.

        Raises:
            CreateUncertainError: it isn't listed, but that proves nothing: jobs come and go too fast, or the service
                doesn't give back the metadata that has the key.
        """
        return await _core.create.find(self._session, idempotency_key, options, settle=settle)
