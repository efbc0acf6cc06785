"""The methods of the published 1.0 package, on both clients. New code uses `client.jobs` and `client.files`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, overload

from typing_extensions import Unpack

from musicai_sdk import _core
from musicai_sdk._core.arguments import CLIENT_TIMEOUT, MANIFEST, AddJobOptions, no_progress
from musicai_sdk._core.operations import GET_APPLICATION, GET_JOB_STATUS
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk.models.account import Application, WorkflowList
from musicai_sdk.models.filters import Filters, FiltersDict
from musicai_sdk.models.job import Job, JobState
from musicai_sdk.models.job_id import JobId
from musicai_sdk.resources.method_arguments import ShownCalls
from musicai_sdk.workflows.base import CustomWorkflow


class AsyncLegacyMethods(ShownCalls, place="client"):
    """The methods of the published client."""

    _session: Session

    async def upload_file(
        self,
        file_path: str | os.PathLike[str],
        timeout: float | None = CLIENT_TIMEOUT,
        **options: Unpack[RequestOptions],
    ) -> str:
        """Uploads a local file and returns the URL to pass to a job as input (1.0 surface).

        Args:
            file_path: The file's path.
            timeout: `request_timeout` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            SourceNotFoundError: the file doesn't exist.
            TransferError: the path is a folder or an empty or unreadable file, or the storage refused the upload.
        """
        return (
            await _core.upload.upload(
                self._session, file_path, None, _core.legacy.settings_of(options, timeout)
            )
        ).url

    async def add_job(
        self,
        job_name: str,
        workflow_slug: str,
        params: Mapping[str, Any],
        timeout: float | None = CLIENT_TIMEOUT,
        **options: Unpack[AddJobOptions],
    ) -> JobId:
        """Creates a job and returns its id (1.0 surface). This costs money.

        Args:
            job_name: The name in the dashboard.
            workflow_slug: The workflow's slug.
            params: The parameters by wire name, such as `{"inputUrl": url}`.
            timeout: `request_timeout` under its name of 1.0.
            **options: `metadata`, `copy_results_to`, `idempotency_key` and `settle` as in `client.jobs.create`, and
                per-call settings.

        Returns:
            The id, a string whose `["id"]` is the id too.

        Raises:
            CreateUncertainError: the answer was lost and the job isn't listed; it may exist.
            NotFoundError: the account has no such workflow.
        """
        workflow = CustomWorkflow(workflow_slug, params)
        new = _core.legacy.new_job(job_name, options)
        with _core.legacy.explaining_order(job_name, workflow_slug):
            created = await _core.create.create(
                self._session, workflow, new, _core.legacy.settings_of(options, timeout)
            )
        return JobId(created.id)

    async def get_job(
        self, job_id: str, timeout: float | None = CLIENT_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Job[Any]:
        """Fetches a job (1.0 surface). Read it like a dictionary: `job["createdAt"]`, `job["result"]["vocals"]`.

        Args:
            job_id: The job's id.
            timeout: `request_timeout` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: this key's application has no such job.
        """
        return await _core.jobs.get(self._session, job_id, None, _core.legacy.settings_of(options, timeout))

    async def get_job_status(
        self, job_id: str, timeout: float | None = CLIENT_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> JobState:
        """Fetches a job's id and status (1.0 surface).

        Args:
            job_id: The job's id.
            timeout: `request_timeout` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: this key's application has no such job.
        """
        return await self._session.call(
            GET_JOB_STATUS, job_id=job_id, options=_core.legacy.settings_of(options, timeout)
        )

    async def list_jobs(
        self,
        filters: Filters | FiltersDict | Mapping[str, Any] | None = None,
        timeout: float | None = CLIENT_TIMEOUT,
        **options: Unpack[RequestOptions],
    ) -> list[Job[Any]]:
        """Lists all jobs of the key's application, or one page of them (1.0 surface).

        Args:
            filters: `Filters(status=["FAILED"])`, or a dictionary with `status`, `workflow` and `batchName`. All values
                of a list apply; the 1.0 package sent only the last one. `page` (from 0) or `size` in the dictionary
                selects a single page.
            timeout: `request_timeout` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            InputError: a filter or a status doesn't exist.
        """
        return await _core.legacy.jobs(self._session, filters, _core.legacy.settings_of(options, timeout))

    async def delete_job(
        self, job_id: str, timeout: float | None = CLIENT_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> JobId:
        """Deletes a job (1.0 surface).

        Args:
            job_id: The job's id.
            timeout: `request_timeout` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The id, as from `add_job`.

        Raises:
            NotFoundError: this key's application has no such job.
        """
        await _core.jobs.delete(self._session, job_id, _core.legacy.settings_of(options, timeout))
        return JobId(job_id)

    @overload
    async def wait_for_job_completion(
        self, job_id: str, timeout: float | None = CLIENT_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Job[Any]: ...
    @overload
    async def wait_for_job_completion(
        self, *, id: str, timeout: float | None = CLIENT_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Job[Any]: ...
    async def wait_for_job_completion(
        self,
        job_id: str | None = None,
        timeout: float | None = CLIENT_TIMEOUT,
        *,
        id: str | None = None,  # noqa: A002 - as in the 1.0 package
        **options: Unpack[RequestOptions],
    ) -> Job[Any]:
        """Waits without a time limit until a job has succeeded or failed (1.0 surface).

        Args:
            job_id: The job's id.
            timeout: `request_timeout` under its name of 1.0; it doesn't limit the wait, as in `client.jobs.wait`.
            id: `job_id` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: this key's application has no such job.
        """
        found = _core.legacy.either(job_id, id, "job_id and id")
        return await _core.wait.wait(
            self._session, found, None, None, _core.legacy.settings_of(options, timeout)
        )

    @overload
    async def download_job_results(
        self,
        job_id_or_job_data: str | Job[Any] | Mapping[str, Any],
        output_folder: str | os.PathLike[str],
        timeout: float | None = CLIENT_TIMEOUT,
        *,
        manifest: str = MANIFEST,
        **options: Unpack[RequestOptions],
    ) -> list[str]: ...
    @overload
    async def download_job_results(
        self,
        job_id_or_job_data: str | Job[Any] | Mapping[str, Any],
        *,
        output_dir: str | os.PathLike[str],
        timeout: float | None = CLIENT_TIMEOUT,
        manifest: str = MANIFEST,
        **options: Unpack[RequestOptions],
    ) -> list[str]: ...
    async def download_job_results(
        self,
        job_id_or_job_data: str | Job[Any] | Mapping[str, Any],
        output_folder: str | os.PathLike[str] | None = None,
        timeout: float | None = CLIENT_TIMEOUT,
        *,
        manifest: str = MANIFEST,
        output_dir: str | os.PathLike[str] | None = None,
        **options: Unpack[RequestOptions],
    ) -> list[str]:
        """Downloads all file outputs of a job, and writes `workflow.results.json` beside them (1.0 surface).

        Args:
            job_id_or_job_data: The job's id, the job, or the job as a dictionary.
            output_folder: The folder to write to; created if missing.
            timeout: `request_timeout` under its name of 1.0.
            manifest: The JSON file's name; the 1.0 package wrote `workflow.result.json`.
            output_dir: `output_folder` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The paths of the downloaded outputs.

        Raises:
            JobNotFinishedError: the job hasn't succeeded yet; nothing was written.
            JobFailedError: the job failed; nothing was written.
            TransferError: a file can't be downloaded or written.
        """
        job = _core.legacy.as_job(job_id_or_job_data)
        folder = _core.legacy.either(output_folder, output_dir, "output_folder and output_dir")
        return _core.legacy.names(
            await _core.job_files.download_results(
                self._session,
                job,
                folder,
                manifest,
                no_progress,
                _core.legacy.settings_of(options, timeout),
                may_be_empty=True,
            )
        )

    async def download_file(
        self,
        url: str,
        file_destination: str | os.PathLike[str],
        timeout: float | None = CLIENT_TIMEOUT,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Downloads a URL to a file (1.0 surface).

        Args:
            url: The URL.
            file_destination: The file's path; missing folders are created.
            timeout: `request_timeout` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            TransferError: the storage refused the download, or the file can't be written.
        """
        await _core.download.download(
            self._session, url, file_destination, None, _core.legacy.settings_of(options, timeout)
        )

    async def list_workflows(
        self,
        filters: Mapping[str, Any] | None = None,
        timeout: float | None = CLIENT_TIMEOUT,
        **options: Unpack[RequestOptions],
    ) -> WorkflowList:
        """Lists all workflows of the account, or one page of them (1.0 surface).

        Args:
            filters: `page` (from 0) and `size` select a single page.
            timeout: `request_timeout` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            InputError: a filter doesn't exist.
            AuthenticationError: the key is wrong.
        """
        return await _core.legacy.workflows(
            self._session, filters, _core.legacy.settings_of(options, timeout)
        )

    async def get_application_info(
        self, timeout: float | None = CLIENT_TIMEOUT, **options: Unpack[RequestOptions]
    ) -> Application:
        """Fetches the application that the key belongs to (1.0 surface).

        Args:
            timeout: `request_timeout` under its name of 1.0.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return await self._session.call(GET_APPLICATION, options=_core.legacy.settings_of(options, timeout))
