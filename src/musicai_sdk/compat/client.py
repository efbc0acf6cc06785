"""The client of the published package 1.0.4 and the names that 0.x had, on this package's core."""

from __future__ import annotations

import os
import ssl
import weakref
from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError
from typing_extensions import Unpack

from musicai_sdk import MusicAiClient as TypedClient
from musicai_sdk.compat.answers import JobFilters, JobOptions, Timeout, job_dict, plain
from musicai_sdk.compat.client_settings import UNSET, CallTimeout, ClientSettings, interval, silence
from musicai_sdk.compat.errors import as_requests
from musicai_sdk.errors import InputError
from musicai_sdk.models import Job, Unknown

MANIFEST = "workflow.result.json"
"""The file with a job's whole result, as 1.0 called it."""


class MusicAiClient(ClientSettings):
    """The client of 1.0.4: plain dictionaries, its file names, texts and errors. `typed` is the client of today.

    ```python
    music_ai = MusicAiClient(api_key="your-api-key")
    song_url = music_ai.upload_file("./song.mp3")
    job_id = music_ai.add_job("My first job", "music-ai/generate-chords", {"inputUrl": song_url})["id"]
    job = music_ai.wait_for_job_completion(job_id)
    ```

    It needs no `with` and no `close()`: its connections are closed with it. Threads can share it.
    """

    def __init__(
        self,
        api_key: str | None = None,
        job_monitor_interval: float = 2,
        save_output_to_folder: bool = True,  # noqa: FBT001, FBT002 - as in 1.0
        user_agent: str | None = None,
        timeout: Timeout = None,
        *,
        base_url: str | None = None,
        max_retries: int = 3,
        ssl_context: ssl.SSLContext | None = None,
        allow_http: bool = False,
    ) -> None:
        """Checks the settings; nothing is sent.

        Args:
            api_key: The key of an application; the environment variable `MUSIC_AI_API_KEY` when left out.
            job_monitor_interval: The longest pause between two polls of a wait, in seconds.
            save_output_to_folder: Whether downloaded results are named after their outputs, or as in their URLs.
            user_agent: Replaces the `User-Agent` header.
            timeout: Seconds after which an exchange is given up, or `(connect, read)`; None, as in 1.0, waits without
                end.
            base_url: Where the API is; `MUSIC_AI_BASE_URL` when left out, else `https://api.music.ai/v1`.
            max_retries: How often a failed exchange is tried again; 0 switches retries off.
            ssl_context: The TLS context. When left out, `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` or
                `SSL_CERT_DIR` names the trusted certificates, a file or a folder; the first that is set counts.
            allow_http: Lets a `base_url` without TLS that isn't on this machine pass.

        Raises:
            ConfigurationError: no key, a malformed key, URL or number.
        """
        self._job_monitor_interval = job_monitor_interval
        self._timeout = timeout
        self._own_tls = ssl_context is not None
        self._typed = TypedClient(
            api_key,
            interval(job_monitor_interval),
            save_output_to_folder,
            user_agent,
            silence(timeout),
            base_url=base_url,
            max_retries=max_retries,
            ssl_context=ssl_context,
            allow_http=allow_http,
        )
        # 1.0 had nothing to close, so its programs don't.
        weakref.finalize(self, self._typed.close)

    # Calls

    def upload_file(self, file_path: str | os.PathLike[str], timeout: CallTimeout = UNSET) -> str:
        """Uploads a local file and returns the URL that a job takes as input.

        Args:
            file_path: The file's path.
            timeout: That of this call.

        Raises:
            SourceNotFoundError: there is no such file; also a `FileNotFoundError`.
            TransferError: a folder, an empty or unreadable file, or a refusal (then also a `requests.HTTPError`).
        """
        with as_requests("Error uploading file", transfer="Error uploading file to provided URL"):
            return str(self._typed.upload_file(file_path, self._seconds(timeout)))

    def add_job(
        self,
        job_name: str,
        workflow_slug: str,
        params: Mapping[str, Any],
        timeout: CallTimeout = UNSET,
        **options: Unpack[JobOptions],
    ) -> dict[str, str]:
        """Creates a job. This costs money.

        A POST that may have arrived is never sent again: when its answer is lost, the job is looked for.

        Args:
            job_name: A name for the dashboard.
            workflow_slug: The workflow's slug.
            params: The parameters by wire name, such as `{"inputUrl": url}`.
            timeout: That of this call.
            **options: `metadata` and `copy_results_to` as in 1.0, and `idempotency_key`.

        Returns:
            `{"id": …}`.

        Raises:
            CreateUncertainError: the answer was lost and the job isn't listed; it may exist. It is also the error of
                `requests` that 1.0 raised: a program that creates the job again after it may pay twice, as with 1.0.
            NotFoundError: no such workflow; also a `requests.HTTPError`.
            TypeError: an option that doesn't exist.
        """
        for name in options.keys() - JobOptions.__annotations__.keys():
            known = ", ".join(JobOptions.__annotations__)
            raise TypeError(f"add_job has no option {name!r}, and nothing was sent; its options are {known}")
        with as_requests("Error creating job"):
            added = self._typed.add_job(
                job_name, workflow_slug, params, self._seconds(timeout), **cast("Any", options)
            )
        return {"id": str(added)}

    def get_job(self, job_id: str, timeout: CallTimeout = UNSET) -> dict[str, Any]:
        """Fetches a job, as the service sends it: see `JobDict`.

        Args:
            job_id: The job's id.
            timeout: That of this call.

        Raises:
            NotFoundError: no such job for this key's application; also a `requests.HTTPError`.
        """
        with as_requests("Error getting job"):
            return job_dict(self._typed.get_job(job_id, self._seconds(timeout)))

    def get_job_status(self, job_id: str, timeout: CallTimeout = UNSET) -> dict[str, str]:
        """Fetches `{"id": …, "status": …}` of a job.

        Args:
            job_id: The job's id.
            timeout: That of this call.

        Raises:
            NotFoundError: no such job for this key's application; also a `requests.HTTPError`.
        """
        with as_requests("Error getting job"):
            return _dict(self._typed.get_job_status(job_id, self._seconds(timeout)).raw)

    def list_jobs(
        self, filters: JobFilters | Mapping[str, Any] | None = None, timeout: CallTimeout = UNSET
    ) -> list[dict[str, Any]]:
        """One page of the jobs of this key's application, by one request: the first 100 jobs unless `filters` says more.

        Args:
            filters: `status`, `workflow` and `batchName`, and `page` (from 0) and `size`. All values of a list count;
                1.0 sent the last one only.
            timeout: That of this call.

        Raises:
            InputError: there is no such filter.
        """
        with as_requests("Error getting jobs"):
            return [
                job_dict(job) for job in self._typed.list_jobs(_first_page(filters), self._seconds(timeout))
            ]

    def delete_job(self, job_id: str, timeout: CallTimeout = UNSET) -> dict[str, str]:
        """Deletes a job, in whatever state it is.

        Args:
            job_id: The job's id.
            timeout: That of this call.

        Returns:
            `{"id": …}`.

        Raises:
            NotFoundError: no such job for this key's application; also a `requests.HTTPError`.
        """
        with as_requests("Error deleting job"):
            return {"id": str(self._typed.delete_job(job_id, self._seconds(timeout)))}

    def list_workflows(
        self, filters: Mapping[str, Any] | None = None, timeout: CallTimeout = UNSET
    ) -> dict[str, list[dict[str, Any]]]:
        """One page of the account's workflows, as `{"workflows": […]}`.

        Args:
            filters: `page` (from 0) and `size`.
            timeout: That of this call.

        Raises:
            InputError: there is no such filter.
        """
        with as_requests("Error getting workflows"):
            return _dict(self._typed.list_workflows(_first_page(filters), self._seconds(timeout)).raw)

    def wait_for_job_completion(self, id: str, timeout: CallTimeout = UNSET) -> dict[str, Any]:  # noqa: A002 - as in 1.0
        """Waits without end until a job has succeeded or failed, and returns it. Failing polls don't end the wait.

        Args:
            id: The job's id.
            timeout: That of each exchange; it isn't the time for the job.

        Raises:
            NotFoundError: no such job for this key's application; also a `requests.HTTPError`.
        """
        with as_requests("Error getting job"):
            return job_dict(self._typed.wait_for_job_completion(id, self._seconds(timeout)))

    def get_application_info(self, timeout: CallTimeout = UNSET) -> dict[str, str]:
        """Fetches `{"id": …, "name": …}` of the application that the key belongs to.

        Args:
            timeout: That of this call.

        Raises:
            AuthenticationError: the key is wrong; also a `requests.HTTPError`.
        """
        with as_requests("Error getting application info"):
            return _dict(self._typed.get_application_info(self._seconds(timeout)).raw)

    def download_job_results(
        self,
        job_id_or_job_data: str | Mapping[str, Any],
        output_dir: str | os.PathLike[str],
        timeout: CallTimeout = UNSET,
    ) -> dict[str, str]:
        """Downloads all file outputs of a job, and writes `workflow.result.json` beside them.

        Args:
            job_id_or_job_data: The job's id, or the job.
            output_dir: Where to; it is made when it doesn't exist.
            timeout: That of this call.

        Returns:
            The path of each file by its output's name.

        Raises:
            JobNotFinishedError: it hasn't succeeded yet; also a `requests.HTTPError`.
            JobFailedError: it failed; also a `requests.HTTPError`.
            TransferError: a file can't be downloaded (then also a `requests.HTTPError`), or not be written.
        """
        with as_requests("Error getting job", transfer="Error downloading file"):
            found = self._typed.jobs.download(
                _job(job_id_or_job_data),
                output_dir,
                manifest=MANIFEST,
                request_timeout=self._seconds(timeout),
            )
        # As 1.0 put them together: `./chords/chords.json` with the dot.
        folder = os.fspath(output_dir)
        return {
            name: os.path.join(folder, path.relative_to(found.folder))  # noqa: PTH118 - a Path drops the dot
            for name, path in found.items()
        }

    def download_file(
        self, url: str, file_destination: str | os.PathLike[str], timeout: CallTimeout = UNSET
    ) -> None:
        """Downloads a URL to a file, which appears under its name when it is whole.

        Args:
            url: What to download.
            file_destination: The file's path; the folders above it are made.
            timeout: That of this call.

        Raises:
            TransferError: the storage refused (then also a `requests.HTTPError`), or the file can't be written.
        """
        with as_requests("Error downloading file", transfer="Error downloading file"):
            self._typed.download_file(url, file_destination, self._seconds(timeout))

    # The names of 0.x

    def create_job(self, job_name: str, workflow_id: str, params: Mapping[str, Any]) -> dict[str, str]:
        """`add_job` under its name of 0.x. This costs money.

        Args:
            job_name: A name for the dashboard.
            workflow_id: The workflow's slug.
            params: The parameters by wire name.
        """
        return self.add_job(job_name, workflow_id, params)

    def get_jobs(self) -> list[dict[str, Any]]:
        """`list_jobs` under its name of 0.x."""
        return self.list_jobs()


def _first_page(filters: Mapping[str, Any] | JobFilters | None) -> dict[str, Any]:
    """Filters that ask for one page. Statuses that this version doesn't know are the service's business."""
    if filters is not None and not isinstance(cast("object", filters), Mapping):
        raise InputError(f"filters must be a dictionary, not {type(filters).__name__}")
    given: dict[str, Any] = {name: value for name, value in (filters or {}).items() if value is not None}
    status = given.get("status")
    if isinstance(status, str):
        given["status"] = [Unknown(status)]
    elif status is not None and hasattr(status, "__iter__"):
        given["status"] = [Unknown(each) for each in status]
    return {"page": 0, **given}


def _job(job: str | Mapping[str, Any]) -> str | Job[Any]:
    """A job's id, or the job that a dictionary is."""
    if not isinstance(job, Mapping):
        return job
    try:
        return Job[Any].model_validate(dict(job))
    except ValidationError as error:
        [problem, *_] = error.errors()
        place = ".".join(map(str, problem["loc"]))
        raise InputError(f"this dictionary isn't a job's: {place}: {problem['msg']}") from None


def _dict(raw: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", plain(raw))
