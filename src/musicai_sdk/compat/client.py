"""The client of the published package 1.0.4, with the names of 0.x, on top of the typed client."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from typing_extensions import Unpack

from musicai_sdk import MusicAiClient as TypedClient
from musicai_sdk._credentials import Secret
from musicai_sdk._files import write_text
from musicai_sdk.compat.answers import JobFilters, JobOptions, Timeout, job_dict, plain
from musicai_sdk.compat.client_settings import UNSET, CallTimeout, ClientSettings, interval, limits
from musicai_sdk.compat.errors import as_requests
from musicai_sdk.errors import ConfigurationError, InputError, TransferError
from musicai_sdk.models.filters import RawQuery
from musicai_sdk.models.job import read_job

MANIFEST = "workflow.result.json"
"""The name that 1.0 gave to the file with a job's whole result."""


class MusicAiClient(ClientSettings):
    """The client of 1.0.4 with its dictionaries, file names, texts and errors. `typed` is the typed client.

    ```python
    music_ai = MusicAiClient(api_key="your-api-key")
    song_url = music_ai.upload_file("./song.mp3")
    job_id = music_ai.add_job("My first job", "music-ai/generate-chords", {"inputUrl": song_url})["id"]
    job = music_ai.wait_for_job_completion(job_id)
    ```

    It needs no `with` and no `close()`: its connections are closed when it is garbage-collected. Threads can share it.
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
            api_key: The key of an application; by default the environment variable `MUSIC_AI_API_KEY`, or else the key
                that `musicai login` has stored for this `base_url` in the user's configuration folder.
            job_monitor_interval: The longest pause between two polls of a wait, in seconds.
            save_output_to_folder: Whether downloaded results are named after their outputs, or as in their URLs.
            user_agent: Replaces the `User-Agent` header.
            timeout: The limit for one exchange, see `Timeout`; None, as in 1.0, is no limit.
            base_url: The address of the API; by default `MUSIC_AI_BASE_URL`, else `https://api.music.ai/v1`.
            max_retries: How often a failed exchange is retried; 0 switches retries off.
            ssl_context: The TLS context. When left out, `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` or
                `SSL_CERT_DIR` names the trusted certificates, a file or a folder; the first that is set counts.
            allow_http: Accepts a `base_url` without TLS on another machine.

        Raises:
            ConfigurationError: no key, a malformed key, URL or number.
        """
        secret: Any = Secret(api_key)
        del api_key  # error reports include local variables
        self._job_monitor_interval = job_monitor_interval
        self._timeout = timeout
        self._own_tls = ssl_context is not None
        self._use(
            TypedClient(
                secret,
                interval(job_monitor_interval),
                save_output_to_folder,
                user_agent,
                limits(timeout, ConfigurationError).get("request_timeout"),
                base_url=base_url,
                max_retries=max_retries,
                ssl_context=ssl_context,
                allow_http=allow_http,
            )
        )

    # Calls

    def upload_file(self, file_path: str | os.PathLike[str], timeout: CallTimeout = UNSET) -> str:
        """Uploads a local file and returns the URL that a job takes as input.

        Args:
            file_path: The file's path.
            timeout: The timeout of this call.

        Raises:
            SourceNotFoundError: there is no such file; also a `FileNotFoundError`.
            TransferError: a folder, an empty or unreadable file, or a refusal (then also a `requests.HTTPError`).
        """
        with as_requests("Error uploading file", transfer="Error uploading file to provided URL"):
            return str(self._typed.upload_file(file_path, **self._limits(timeout)))

    def add_job(
        self,
        job_name: str,
        workflow_slug: str,
        params: Mapping[str, Any],
        timeout: CallTimeout = UNSET,
        **options: Unpack[JobOptions],
    ) -> dict[str, str]:
        """Creates a job. This costs money.

        A POST that the service may have received is never repeated: if its answer is lost, the client searches for the job.

        Args:
            job_name: A name for the dashboard.
            workflow_slug: The workflow's slug.
            params: The parameters by wire name, such as `{"inputUrl": url}`.
            timeout: The timeout of this call.
            **options: `metadata` and `copy_results_to` as in 1.0, and `idempotency_key`.

        Returns:
            `{"id": …}`.

        Raises:
            CreateUncertainError: the answer was lost and the job isn't listed; it may exist. It is also the error of
                `requests` that 1.0 raised: as with 1.0, a program that then creates the job again may pay twice.
            NotFoundError: no such workflow; also a `requests.HTTPError`.
            TypeError: an option that doesn't exist.
        """
        for name in options.keys() - JobOptions.__annotations__.keys():
            known = ", ".join(JobOptions.__annotations__)
            raise TypeError(f"add_job has no option {name!r}, and nothing was sent; its options are {known}")
        with as_requests("Error creating job"):
            added = self._typed.add_job(
                job_name, workflow_slug, params, **self._limits(timeout), **cast("Any", options)
            )
        return {"id": str(added)}

    def get_job(self, job_id: str, timeout: CallTimeout = UNSET) -> dict[str, Any]:
        """Fetches a job as the service sends it, see `JobDict`.

        Args:
            job_id: The job's id.
            timeout: The timeout of this call.

        Raises:
            NotFoundError: no such job for this key's application; also a `requests.HTTPError`.
        """
        with as_requests("Error getting job"):
            return job_dict(self._typed.get_job(job_id, **self._limits(timeout)))

    def get_job_status(self, job_id: str, timeout: CallTimeout = UNSET) -> dict[str, str]:
        """Fetches `{"id": …, "status": …}` of a job.

        Args:
            job_id: The job's id.
            timeout: The timeout of this call.

        Raises:
            NotFoundError: no such job for this key's application; also a `requests.HTTPError`.
        """
        with as_requests("Error getting job"):
            return _dict(self._typed.get_job_status(job_id, **self._limits(timeout)).raw)

    def list_jobs(
        self, filters: JobFilters | Mapping[str, Any] | None = None, timeout: CallTimeout = UNSET
    ) -> list[dict[str, Any]]:
        """Fetches one page of the jobs of this key's application; by default the first 100 jobs.

        Args:
            filters: `status`, `workflow` and `batchName`, and `page` (from 0) and `size`. Other names are sent too, as
                in 1.0. All values of a list are sent; 1.0 sent only the last one.
            timeout: The timeout of this call.
        """
        with as_requests("Error getting jobs"):
            return [job_dict(job) for job in self._typed.list_jobs(_query(filters), **self._limits(timeout))]

    def delete_job(self, job_id: str, timeout: CallTimeout = UNSET) -> dict[str, str]:
        """Deletes a job in any state.

        Args:
            job_id: The job's id.
            timeout: The timeout of this call.

        Returns:
            `{"id": …}`.

        Raises:
            NotFoundError: no such job for this key's application; also a `requests.HTTPError`.
        """
        with as_requests("Error deleting job"):
            return {"id": str(self._typed.delete_job(job_id, **self._limits(timeout)))}

    def list_workflows(
        self, filters: Mapping[str, Any] | None = None, timeout: CallTimeout = UNSET
    ) -> dict[str, list[dict[str, Any]]]:
        """Fetches one page of the account's workflows, as `{"workflows": […]}`.

        Args:
            filters: `page` (from 0) and `size`. Other names are sent too, as in 1.0.
            timeout: The timeout of this call.
        """
        with as_requests("Error getting workflows"):
            return _dict(self._typed.list_workflows(_query(filters), **self._limits(timeout)).raw)

    def wait_for_job_completion(self, id: str, timeout: CallTimeout = UNSET) -> dict[str, Any]:  # noqa: A002 - as in 1.0
        """Waits without a limit until a job has succeeded or failed, and returns it. A failed poll doesn't end the wait.

        Args:
            id: The job's id.
            timeout: The limit for each exchange, not for the job.

        Raises:
            NotFoundError: no such job for this key's application; also a `requests.HTTPError`.
        """
        with as_requests("Error getting job"):
            return job_dict(self._typed.wait_for_job_completion(id, **self._limits(timeout)))

    def get_application_info(self, timeout: CallTimeout = UNSET) -> dict[str, str]:
        """Fetches `{"id": …, "name": …}` of the application that the key belongs to.

        Args:
            timeout: The timeout of this call.

        Raises:
            AuthenticationError: the key is wrong; also a `requests.HTTPError`.
        """
        with as_requests("Error getting application info"):
            return _dict(self._typed.get_application_info(**self._limits(timeout)).raw)

    def download_job_results(
        self,
        job_id_or_job_data: str | Mapping[str, Any],
        output_dir: str | os.PathLike[str],
        timeout: CallTimeout = UNSET,
    ) -> dict[str, str]:
        """Downloads all file outputs of a job, and writes `workflow.result.json` beside them.

        Args:
            job_id_or_job_data: The job's id, or the job.
            output_dir: The target folder; created if missing.
            timeout: The timeout of this call.

        Returns:
            The path of each file by its output's name.

        Raises:
            JobNotFinishedError: it hasn't succeeded yet; also a `requests.HTTPError`.
            JobFailedError: it failed; also a `requests.HTTPError`.
            TransferError: a file can't be downloaded (then also a `requests.HTTPError`) or written.
        """
        with as_requests("Error getting job", transfer="Error downloading file"):
            found = self._typed.jobs.download(
                read_job(job_id_or_job_data)
                if isinstance(job_id_or_job_data, Mapping)
                else job_id_or_job_data,
                output_dir,
                manifest=MANIFEST,
                **self._limits(timeout),
            )
            _write_as_before(found.manifest)
        # 1.0 returned `./chords/chords.json` with the dot.
        folder = os.fspath(output_dir)
        return {
            name: os.path.join(folder, path.relative_to(found.folder))  # noqa: PTH118 - a Path drops the dot
            for name, path in found.items()
        }

    def download_file(
        self, url: str, file_destination: str | os.PathLike[str], timeout: CallTimeout = UNSET
    ) -> None:
        """Downloads a URL to a file, which gets its name when it is complete.

        Args:
            url: The URL.
            file_destination: The file's path; missing folders are created.
            timeout: The timeout of this call.

        Raises:
            TransferError: the storage refused (then also a `requests.HTTPError`), or the file can't be written.
        """
        with as_requests("Error downloading file", transfer="Error downloading file"):
            self._typed.download_file(url, file_destination, **self._limits(timeout))

    # The names of 0.x

    def create_job(self, job_name: str, workflow_id: str, params: Mapping[str, Any]) -> dict[str, str]:
        """Calls `add_job`, under its name in 0.x. This costs money.

        Args:
            job_name: A name for the dashboard.
            workflow_id: The workflow's slug.
            params: The parameters by wire name.
        """
        return self.add_job(job_name, workflow_id, params)

    def get_jobs(self) -> list[dict[str, Any]]:
        """Calls `list_jobs`, under its name in 0.x."""
        return self.list_jobs()


def _write_as_before(manifest: Path) -> None:
    """Writes a manifest in one line of ASCII as in 1.0, for programs that read it in the encoding of their platform."""
    try:
        write_text(manifest, json.dumps(json.loads(manifest.read_text("utf-8"))))
    except OSError as error:
        raise TransferError(f"can't write {str(manifest)!r}: {error.strerror}") from error


def _query(filters: Mapping[str, Any] | JobFilters | None) -> RawQuery:
    """Filters as they are sent: the service checks names and values, and returns one page."""
    if filters and not isinstance(cast("object", filters), Mapping):
        raise InputError(f"filters must be a dictionary, not {type(filters).__name__}")
    return RawQuery(filters or {})


def _dict(raw: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", plain(raw))
