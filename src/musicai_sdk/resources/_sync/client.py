# Generated from src/musicai_sdk/client.py by scripts/generate: edit that file.
"""The synchronous client: its construction, settings and life cycle.

Logs, records and traces:
    The logger `musicai_sdk` writes a line for each retry (INFO: the call, the attempt, the reason, the pause), for
    each failed poll (WARNING), and for each HTTP exchange (DEBUG: method, URL without its query, status,
    milliseconds). URLs in httpx's own log lines lose their queries.

    `client.record()` collects the exchanges of a block as `Exchange` objects.

    For OpenTelemetry, `HTTPXClientInstrumentor().instrument()` of `opentelemetry-instrumentation-httpx` creates a
    span for every attempt, transfers included, under the caller's span. It replaces signatures in URLs by `REDACTED`.
    It records headers only if you configure them: leave `Authorization` out.
"""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Self

from typing_extensions import override

from musicai_sdk._core.session import Session
from musicai_sdk._core.settings import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_POLL_INTERVAL,
    DEFAULT_TIMEOUT,
    ClientConfig,
    read_settings,
)
from musicai_sdk._io import libraries, run_sync
from musicai_sdk._io.secret import Secret
from musicai_sdk.resources._sync.account import Applications, Workflows
from musicai_sdk.resources._sync.files import Files
from musicai_sdk.resources._sync.jobs import Jobs
from musicai_sdk.resources._sync.legacy import LegacyMethods
from musicai_sdk.resources.client_settings import ClientSettings, Given


class MusicAiClient(LegacyMethods, ClientSettings):
    """The synchronous client of the Music.AI API.

    ```python
    with MusicAiClient() as client:
        job = client.jobs.run(GenerateChords(input_url=Path("song.mp3")))
        chords = client.files.read(job.result.chords)
    ```

    Use it with `with`, or end it with `client.close()`. Threads can share it, and a forked child
    process gets connections of its own.
    """

    jobs: Jobs
    """Creates jobs, waits for them, downloads their results, deletes them."""
    files: Files
    """Uploads inputs, downloads and reads outputs."""
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
        http_client: libraries.Client | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_http: bool = False,
    ) -> None:
        """Checks the settings; sends nothing and opens no connection.

        Args:
            api_key: The key of an application; by default the environment variable `MUSIC_AI_API_KEY`, or else the key
                that `musicai login` has stored for this `base_url` in the user's configuration folder.
            job_monitor_interval: The longest pause between two polls of a wait, in seconds.
            save_output_to_folder: True names result files after their outputs, False as in their URLs.
            user_agent: Replaces the `User-Agent` header.
            timeout: Seconds for one exchange with the API, from connecting to the last byte of the answer. For a file
                transfer, the longest time without any data. None for no limit.
            base_url: The API's URL; by default the environment variable `MUSIC_AI_BASE_URL`, or else
                `https://api.music.ai/v1`.
            max_retries: How often a failed exchange is retried; 0 switches retries off.
            http_client: Your own client of httpx or httpx2, for a proxy or a transport. It sends requests to the API and
                the storage. This client never closes it.
            ssl_context: The TLS context, for your own certificates. By default, the first of the environment variables
                `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` and `SSL_CERT_DIR` that is set names the trusted
                certificates.
            allow_http: Whether to accept a `base_url` without TLS on another machine.

        Raises:
            ConfigurationError: the key is missing, or the key, a URL or a number is malformed. The text never quotes
                the key.
        """
        secret = Secret(api_key)
        del api_key  # error reports include local variables
        settings = read_settings(
            api_key=secret,
            base_url=base_url,
            user_agent=user_agent,
            timeout=timeout,
            max_retries=max_retries,
            poll_interval=job_monitor_interval,
            names_by_output=save_output_to_folder,
            allow_http=allow_http,
        )
        self._set_up(settings, (http_client, ssl_context))

    @override
    def _set_up(self, settings: ClientConfig, given: Given) -> None:
        from musicai_sdk._io import BlockingIO

        client, tls = given
        self._given = given
        self._session = Session(settings, BlockingIO(tls=tls, client=client))
        self.jobs = Jobs(self._session)
        self.files = Files(self._session)
        self.workflows = Workflows(self._session)
        self.application = Applications(self._session)

    def close(self) -> None:
        """Closes the client's connections, but not your `http_client`. May be called more than once."""
        run_sync(self._session.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run_sync(self._session.close())
