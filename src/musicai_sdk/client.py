"""The two clients: construction, settings, life cycle, and the surface of the 1.0 package.

`MusicAiClient` and `AsyncMusicAiClient` have the same names, arguments and documentation; a test compares them.

Logs, records and traces:
    The logger `musicai_sdk` has a line per retry (INFO: the call, which try of how many, why, the pause), one per
    poll that failed and is made up for (WARNING), and one per HTTP exchange (DEBUG: method, URL without its query,
    status, seconds, request id). What httpx would log itself, full URLs among it, is kept back for these clients.

    `client.record()` collects the exchanges of a block as `Exchange` objects.

    For OpenTelemetry, `HTTPXClientInstrumentor().instrument()` of `opentelemetry-instrumentation-httpx` gives a span
    for every attempt, transfers included, in both colours and under the caller's span. It replaces the signatures in
    URLs by `REDACTED`, and headers aren't recorded unless you ask for them: don't ask for `Authorization`.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from typing_extensions import Unpack, override

from musicai_sdk import _core
from musicai_sdk._core.arguments import MANIFEST, CopyResultsTo, NewJob
from musicai_sdk._core.operations import GET_APPLICATION, GET_JOB_STATUS
from musicai_sdk._core.options import RequestOptions
from musicai_sdk._core.session import Session
from musicai_sdk._core.settings import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_POLL_INTERVAL,
    DEFAULT_TIMEOUT,
    checked_base_url,
    read_settings,
)
from musicai_sdk._io import BlockingIO, Exchange, drive, recording
from musicai_sdk._text import without_query
from musicai_sdk.errors import ConfigurationError
from musicai_sdk.models.account import Application, WorkflowList
from musicai_sdk.models.filters import Filters, FiltersDict
from musicai_sdk.models.job import Job, JobState
from musicai_sdk.models.job_id import JobId
from musicai_sdk.resources import (
    Applications,
    AsyncApplications,
    AsyncFiles,
    AsyncJobs,
    AsyncWorkflows,
    Files,
    Jobs,
    Workflows,
)
from musicai_sdk.workflows.base import CustomWorkflow

if TYPE_CHECKING:
    import httpx


class SurfaceOptions(RequestOptions, total=False):
    """Per-call settings of the 1.0 surface."""

    timeout: float | None
    """`request_timeout` under the name that 1.0 gave it."""


class AddJobOptions(SurfaceOptions, total=False):
    """What `add_job` of the 1.0 surface takes besides its three arguments."""

    metadata: Mapping[str, Any]
    """Short values to find on the job again."""
    copy_results_to: CopyResultsTo
    """A `musicai_sdk.storage.Bucket`, or upload URLs (PUT) by output name, for outputs that go to your own storage."""
    idempotency_key: str
    """A token of your own for `client.jobs.find`."""


class _Client:
    """What both clients share: settings, and how they show."""

    _session: Session
    _portable: bool

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Clients pickle without their key: the process that unpickles one reads it from its own environment."""
        if not self._portable:
            raise ConfigurationError(
                "a client with an http_client or ssl_context of its own can't be pickled"
            )
        return _remade, (type(self), self._session.settings.arguments())

    @property
    def base_url(self) -> str:
        """Where the API is, without a trailing slash. It can be set, as in the 1.0 package."""
        return self._session.settings.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        settings = self._session.settings
        self._session.settings = replace(
            settings, base_url=checked_base_url(url, allow_http=settings.allow_http)
        )

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={without_query(self.base_url)!r})"

    def record(self) -> AbstractContextManager[list[Exchange]]:
        """Collects the HTTP exchanges that this client makes inside a `with` block.

        ```python
        with client.record() as exchanges:
            client.jobs.get(job_id)
        print(exchanges[-1].status, exchanges[-1].request_id, exchanges[-1].elapsed)
        ```

        Every attempt, poll and transfer is one `Exchange`: method, URL without its query, status, headers, request
        id, seconds, number of the attempt. Never a key, a signature or a body.
        """
        return recording(self._session.io)


def _remade(kind: type[_Client], settings: dict[str, Any]) -> _Client:
    """An unpickled client."""
    names = {"poll_interval": "job_monitor_interval", "names_by_output": "save_output_to_folder"}
    return kind(**{names.get(name, name): value for name, value in settings.items()})


def _new_job(name: str, options: AddJobOptions) -> NewJob:
    return NewJob(
        name, options.get("metadata"), options.get("copy_results_to"), options.get("idempotency_key")
    )


def _settings(options: SurfaceOptions) -> RequestOptions:
    """The per-call settings alone, by their names of today."""
    own = {"metadata", "copy_results_to", "idempotency_key"}
    names = {"timeout": "request_timeout"}
    return cast(
        "RequestOptions", {names.get(key, key): value for key, value in options.items() if key not in own}
    )


def _as_job(job: str | Job[Any] | Mapping[str, Any]) -> str | Job[Any]:
    """The dictionaries of the 1.0 package, perhaps read back from a file, stand for the job they describe."""
    return Job[Any].model_validate(dict(job)) if isinstance(job, Mapping) else job


def _names(files: Mapping[str, Any]) -> list[str]:
    return [str(path) for path in files.values()]


class MusicAiClient(_Client):
    """The synchronous client of the Music.AI API.

    ```python
    with MusicAiClient() as client:
        job = client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
        chords = client.files.read(job.result.chords)
    ```

    Works with `with`, or without when it lives as long as the program. Threads can share it, and a forked child
    process gets connections of its own.
    """

    jobs: Jobs
    """Create, follow, fetch and delete jobs."""
    files: Files
    """Upload inputs, download and read outputs."""
    workflows: Workflows
    """The workflows of the account."""
    application: Applications
    """The application that the key belongs to."""

    def __init__(
        self,
        api_key: str | None = None,
        job_monitor_interval: float = DEFAULT_POLL_INTERVAL,
        save_output_to_folder: bool = True,  # noqa: FBT001, FBT002 - as in the 1.0 package
        user_agent: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        *,
        base_url: str | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        http_client: httpx.Client | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_http: bool = False,
    ) -> None:
        """Checks the settings; nothing is sent and no connection is opened.

        Args:
            api_key: The key of an application; the environment variable `MUSIC_AI_API_KEY` when left out.
            job_monitor_interval: The longest pause between two polls of a wait, in seconds.
            save_output_to_folder: Whether downloaded results are named after their outputs, or as in their URLs.
            user_agent: Replaces the `User-Agent` header.
            timeout: Seconds of silence after which one HTTP exchange is given up; None waits for ever.
            base_url: Where the API is; `MUSIC_AI_BASE_URL` when left out, else `https://api.music.ai/v1`.
            max_retries: How often a failed exchange is tried again; 0 switches retries off.
            http_client: An httpx client of your own, for a proxy or a transport. It is used for the API and for the
                storage, and never closed.
            ssl_context: The TLS context, for certificates of your own.
            allow_http: Lets a `base_url` without TLS that isn't on this machine pass.

        Raises:
            ConfigurationError: no key, a malformed key, URL or number. Nothing quotes the key.
        """
        settings = read_settings(
            api_key=api_key,
            base_url=base_url,
            user_agent=user_agent,
            timeout=timeout,
            max_retries=max_retries,
            poll_interval=job_monitor_interval,
            names_by_output=save_output_to_folder,
            allow_http=allow_http,
        )
        self._session = Session(settings, BlockingIO(tls=ssl_context, client=http_client))
        self._portable = ssl_context is None and http_client is None
        self.jobs = Jobs(self._session)
        self.files = Files(self._session)
        self.workflows = Workflows(self._session)
        self.application = Applications(self._session)

    def close(self) -> None:
        """Closes the connections. Can be called more than once; a given `http_client` stays open."""
        drive(self._session.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def upload_file(self, file_path: str | os.PathLike[str], **options: Unpack[SurfaceOptions]) -> str:
        """Uploads a local file and returns the URL that a job takes as input (1.0 surface).

        Args:
            file_path: The file's path.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            SourceNotFoundError: there is no such file.
            TransferError: a folder, an empty or unreadable file, or a refusal.
        """
        return drive(_core.uploading.upload(self._session, file_path, None, _settings(options))).url

    def add_job(
        self, job_name: str, workflow_slug: str, params: Mapping[str, Any], **options: Unpack[AddJobOptions]
    ) -> JobId:
        """Creates a job and returns its id (1.0 surface). This costs money.

        Args:
            job_name: A name for the dashboard.
            workflow_slug: The workflow's slug.
            params: The parameters by wire name, such as `{"inputUrl": url}`.
            **options: `metadata`, `copy_results_to` and `idempotency_key` as in `client.jobs.create`, and per-call
                settings.

        Returns:
            The id, a string; `["id"]` of it is the id too.

        Raises:
            CreateUncertainError: the answer was lost and the job isn't listed; it may exist.
            NotFoundError: no such workflow.
        """
        workflow = CustomWorkflow(workflow_slug, params)
        new = _new_job(job_name, options)
        return JobId(drive(_core.creating.create(self._session, workflow, new, _settings(options))).id)

    def get_job(self, job_id: str, **options: Unpack[SurfaceOptions]) -> Job[Any]:
        """Fetches a job (1.0 surface); also as a dictionary: `job["createdAt"]`, `job["result"]["vocals"]`.

        Args:
            job_id: The job's id.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        return drive(_core.fetching.get(self._session, job_id, None, _settings(options)))

    def get_job_status(self, job_id: str, **options: Unpack[SurfaceOptions]) -> JobState:
        """Fetches a job's id and status (1.0 surface).

        Args:
            job_id: The job's id.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        return drive(self._session.call(GET_JOB_STATUS, job_id=job_id, options=_settings(options)))

    def list_jobs(
        self,
        filters: Filters | FiltersDict | Mapping[str, Any] | None = None,
        **options: Unpack[SurfaceOptions],
    ) -> list[Job[Any]]:
        """All jobs of this key's application, every page (1.0 surface).

        Args:
            filters: `Filters(status=["FAILED"])`, or a dictionary with `status`, `workflow` and `batchName`. All
                values of a list count; the 1.0 package sent the last one only.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            InputError: there is no such filter or status.
        """
        pages = _core.listing.JobPages(
            self._session, _core.listing.read_filters(filters), _core.listing.PAGE_SIZE, _settings(options)
        )
        jobs = list[Job[Any]]()
        while (page := drive(pages.next())) is not None:
            jobs += page
        return jobs

    def delete_job(self, job_id: str, **options: Unpack[SurfaceOptions]) -> None:
        """Deletes a job (1.0 surface).

        Args:
            job_id: The job's id.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        drive(_core.fetching.delete(self._session, job_id, _settings(options)))

    def wait_for_job_completion(self, job_id: str, **options: Unpack[SurfaceOptions]) -> Job[Any]:
        """Waits until a job has succeeded or failed (1.0 surface). It has no deadline: `client.jobs.wait` has one.

        Args:
            job_id: The job's id.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        return drive(_core.waiting.wait(self._session, job_id, None, None, _settings(options)))

    def download_job_results(
        self,
        job_id_or_job_data: str | Job[Any] | Mapping[str, Any],
        output_folder: str | os.PathLike[str],
        *,
        manifest: str = MANIFEST,
        **options: Unpack[SurfaceOptions],
    ) -> list[str]:
        """Downloads all file outputs of a job, and writes `workflow.results.json` beside them (1.0 surface).

        Args:
            job_id_or_job_data: The job's id, the job, or a dictionary of it.
            output_folder: Where to; it is made when it doesn't exist.
            manifest: The JSON file's name; the 1.0 package wrote `workflow.result.json`.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The paths of the downloaded outputs.

        Raises:
            JobNotFinishedError: it hasn't succeeded yet; nothing was written.
            JobFailedError: it failed; nothing was written.
            TransferError: a file can't be downloaded or written.
        """
        job = _as_job(job_id_or_job_data)
        return _names(
            drive(
                _core.results.download_results(
                    self._session, job, output_folder, manifest, None, _settings(options)
                )
            )
        )

    def download_file(
        self, url: str, file_destination: str | os.PathLike[str], **options: Unpack[SurfaceOptions]
    ) -> None:
        """Downloads a URL to a file (1.0 surface).

        Args:
            url: What to download.
            file_destination: The file's path; the folders above it are made.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            TransferError: the storage refused, or the file can't be written.
        """
        drive(_core.downloading.download(self._session, url, file_destination, None, _settings(options)))

    def list_workflows(self, **options: Unpack[SurfaceOptions]) -> WorkflowList:
        """All workflows of the account, every page (1.0 surface).

        Args:
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return WorkflowList(workflows=drive(_core.listing.list_workflows(self._session, _settings(options))))

    def get_application_info(self, **options: Unpack[SurfaceOptions]) -> Application:
        """The application that the key belongs to (1.0 surface).

        Args:
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return drive(self._session.call(GET_APPLICATION, options=_settings(options)))


class AsyncMusicAiClient(_Client):
    """The asynchronous client of the Music.AI API.

    ```python
    async with AsyncMusicAiClient() as client:
        job = await client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
        chords = await client.files.read(job.result.chords)
    ```

    Works with `async with`, or closed by `await client.close()`. It belongs to the event loop that uses it first.
    """

    jobs: AsyncJobs
    """Create, follow, fetch and delete jobs."""
    files: AsyncFiles
    """Upload inputs, download and read outputs."""
    workflows: AsyncWorkflows
    """The workflows of the account."""
    application: AsyncApplications
    """The application that the key belongs to."""

    def __init__(
        self,
        api_key: str | None = None,
        job_monitor_interval: float = DEFAULT_POLL_INTERVAL,
        save_output_to_folder: bool = True,  # noqa: FBT001, FBT002 - as in the 1.0 package
        user_agent: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        *,
        base_url: str | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        http_client: httpx.AsyncClient | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_http: bool = False,
    ) -> None:
        """Checks the settings; nothing is sent and no connection is opened.

        Args:
            api_key: The key of an application; the environment variable `MUSIC_AI_API_KEY` when left out.
            job_monitor_interval: The longest pause between two polls of a wait, in seconds.
            save_output_to_folder: Whether downloaded results are named after their outputs, or as in their URLs.
            user_agent: Replaces the `User-Agent` header.
            timeout: Seconds of silence after which one HTTP exchange is given up; None waits for ever.
            base_url: Where the API is; `MUSIC_AI_BASE_URL` when left out, else `https://api.music.ai/v1`.
            max_retries: How often a failed exchange is tried again; 0 switches retries off.
            http_client: An httpx client of your own, for a proxy or a transport. It is used for the API and for the
                storage, and never closed.
            ssl_context: The TLS context, for certificates of your own.
            allow_http: Lets a `base_url` without TLS that isn't on this machine pass.

        Raises:
            ConfigurationError: no key, a malformed key, URL or number. Nothing quotes the key.
        """
        settings = read_settings(
            api_key=api_key,
            base_url=base_url,
            user_agent=user_agent,
            timeout=timeout,
            max_retries=max_retries,
            poll_interval=job_monitor_interval,
            names_by_output=save_output_to_folder,
            allow_http=allow_http,
        )
        from musicai_sdk._io.asynchronous import AsyncIO  # asyncio is only loaded by who needs it

        self._session = Session(settings, AsyncIO(tls=ssl_context, client=http_client))
        self._portable = ssl_context is None and http_client is None
        self.jobs = AsyncJobs(self._session)
        self.files = AsyncFiles(self._session)
        self.workflows = AsyncWorkflows(self._session)
        self.application = AsyncApplications(self._session)

    async def close(self) -> None:
        """Closes the connections. Can be called more than once; a given `http_client` stays open."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def upload_file(self, file_path: str | os.PathLike[str], **options: Unpack[SurfaceOptions]) -> str:
        """Uploads a local file and returns the URL that a job takes as input (1.0 surface).

        Args:
            file_path: The file's path.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            SourceNotFoundError: there is no such file.
            TransferError: a folder, an empty or unreadable file, or a refusal.
        """
        return (await _core.uploading.upload(self._session, file_path, None, _settings(options))).url

    async def add_job(
        self, job_name: str, workflow_slug: str, params: Mapping[str, Any], **options: Unpack[AddJobOptions]
    ) -> JobId:
        """Creates a job and returns its id (1.0 surface). This costs money.

        Args:
            job_name: A name for the dashboard.
            workflow_slug: The workflow's slug.
            params: The parameters by wire name, such as `{"inputUrl": url}`.
            **options: `metadata`, `copy_results_to` and `idempotency_key` as in `client.jobs.create`, and per-call
                settings.

        Returns:
            The id, a string; `["id"]` of it is the id too.

        Raises:
            CreateUncertainError: the answer was lost and the job isn't listed; it may exist.
            NotFoundError: no such workflow.
        """
        workflow = CustomWorkflow(workflow_slug, params)
        new = _new_job(job_name, options)
        return JobId((await _core.creating.create(self._session, workflow, new, _settings(options))).id)

    async def get_job(self, job_id: str, **options: Unpack[SurfaceOptions]) -> Job[Any]:
        """Fetches a job (1.0 surface); also as a dictionary: `job["createdAt"]`, `job["result"]["vocals"]`.

        Args:
            job_id: The job's id.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        return await _core.fetching.get(self._session, job_id, None, _settings(options))

    async def get_job_status(self, job_id: str, **options: Unpack[SurfaceOptions]) -> JobState:
        """Fetches a job's id and status (1.0 surface).

        Args:
            job_id: The job's id.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        return await self._session.call(GET_JOB_STATUS, job_id=job_id, options=_settings(options))

    async def list_jobs(
        self,
        filters: Filters | FiltersDict | Mapping[str, Any] | None = None,
        **options: Unpack[SurfaceOptions],
    ) -> list[Job[Any]]:
        """All jobs of this key's application, every page (1.0 surface).

        Args:
            filters: `Filters(status=["FAILED"])`, or a dictionary with `status`, `workflow` and `batchName`. All
                values of a list count; the 1.0 package sent the last one only.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            InputError: there is no such filter or status.
        """
        pages = _core.listing.JobPages(
            self._session, _core.listing.read_filters(filters), _core.listing.PAGE_SIZE, _settings(options)
        )
        jobs = list[Job[Any]]()
        while (page := await pages.next()) is not None:
            jobs += page
        return jobs

    async def delete_job(self, job_id: str, **options: Unpack[SurfaceOptions]) -> None:
        """Deletes a job (1.0 surface).

        Args:
            job_id: The job's id.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        await _core.fetching.delete(self._session, job_id, _settings(options))

    async def wait_for_job_completion(self, job_id: str, **options: Unpack[SurfaceOptions]) -> Job[Any]:
        """Waits until a job has succeeded or failed (1.0 surface). It has no deadline: `client.jobs.wait` has one.

        Args:
            job_id: The job's id.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            NotFoundError: no such job for this key's application.
        """
        return await _core.waiting.wait(self._session, job_id, None, None, _settings(options))

    async def download_job_results(
        self,
        job_id_or_job_data: str | Job[Any] | Mapping[str, Any],
        output_folder: str | os.PathLike[str],
        *,
        manifest: str = MANIFEST,
        **options: Unpack[SurfaceOptions],
    ) -> list[str]:
        """Downloads all file outputs of a job, and writes `workflow.results.json` beside them (1.0 surface).

        Args:
            job_id_or_job_data: The job's id, the job, or a dictionary of it.
            output_folder: Where to; it is made when it doesn't exist.
            manifest: The JSON file's name; the 1.0 package wrote `workflow.result.json`.
            **options: Per-call settings, see `RequestOptions`.

        Returns:
            The paths of the downloaded outputs.

        Raises:
            JobNotFinishedError: it hasn't succeeded yet; nothing was written.
            JobFailedError: it failed; nothing was written.
            TransferError: a file can't be downloaded or written.
        """
        job = _as_job(job_id_or_job_data)
        return _names(
            await _core.results.download_results(
                self._session, job, output_folder, manifest, None, _settings(options)
            )
        )

    async def download_file(
        self, url: str, file_destination: str | os.PathLike[str], **options: Unpack[SurfaceOptions]
    ) -> None:
        """Downloads a URL to a file (1.0 surface).

        Args:
            url: What to download.
            file_destination: The file's path; the folders above it are made.
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            TransferError: the storage refused, or the file can't be written.
        """
        await _core.downloading.download(self._session, url, file_destination, None, _settings(options))

    async def list_workflows(self, **options: Unpack[SurfaceOptions]) -> WorkflowList:
        """All workflows of the account, every page (1.0 surface).

        Args:
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return WorkflowList(workflows=await _core.listing.list_workflows(self._session, _settings(options)))

    async def get_application_info(self, **options: Unpack[SurfaceOptions]) -> Application:
        """The application that the key belongs to (1.0 surface).

        Args:
            **options: Per-call settings, see `RequestOptions`.

        Raises:
            AuthenticationError: the key is wrong.
        """
        return await self._session.call(GET_APPLICATION, options=_settings(options))
