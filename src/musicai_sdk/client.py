"""The two clients: construction, settings and life cycle; the methods of 1.0 are in `musicai_sdk.resources.surface`.

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

import ssl
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from typing_extensions import override

from musicai_sdk._core.session import Session
from musicai_sdk._core.settings import (
    API_KEY_VARIABLE,
    DEFAULT_MAX_RETRIES,
    DEFAULT_POLL_INTERVAL,
    DEFAULT_TIMEOUT,
    Settings,
    read_settings,
)
from musicai_sdk._io import BlockingIO, Exchange, drive, recording
from musicai_sdk._io.secret import Secret
from musicai_sdk._text import without_query
from musicai_sdk.errors import ConfigurationError
from musicai_sdk.resources import (
    Applications,
    AsyncApplications,
    AsyncFiles,
    AsyncJobs,
    AsyncSurface,
    AsyncWorkflows,
    Files,
    Jobs,
    Surface,
    Workflows,
)

if TYPE_CHECKING:
    import httpx


_Given: TypeAlias = tuple[Any, ssl.SSLContext | None]
"""The `http_client` and the `ssl_context` that a client was given."""


class _Client:
    """What both clients share: settings, and how they show."""

    _session: Session
    _given: _Given
    """What can't be copied to another process."""

    def _set_up(self, settings: Settings, given: _Given) -> None:
        raise NotImplementedError

    def __copy__(self) -> Self:
        """A client of its own with the same key and settings, and the same `http_client` if one was given."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._set_up(self._session.settings, self._given)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """As a copy: connections and keys have no depth."""
        return self.__copy__()

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Clients pickle without their key: the process that unpickles one reads it from its own environment.

        A digest goes along, so that a client doesn't come back as that of another account.
        """
        if self._given != (None, None):
            raise ConfigurationError(
                "a client with an http_client or ssl_context of its own can't be pickled"
            )
        settings = self._session.settings
        return _remade, (type(self), settings.arguments(), settings.secret.fingerprint())

    # The settings that the 1.0 package had as attributes. They can be set, checked as in `__init__`, and hold from the
    # next request on.

    @property
    def base_url(self) -> str:
        """Where the API is, without a trailing slash. It can be set."""
        return self._session.settings.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._change(base_url=url)

    @property
    def api_key(self) -> str:
        """The key. It can be set. Its `repr` doesn't show it, `print` does."""
        return self._session.settings.api_key

    @api_key.setter
    def api_key(self, key: str) -> None:
        secret = Secret(key)
        del key  # an error report has the local variables
        self._change(api_key=secret)

    @property
    def timeout(self) -> float | None:
        """Seconds after which one exchange is given up, see `RequestOptions`; None waits for ever. It can be set."""
        return self._session.settings.timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._change(timeout=seconds)

    @property
    def max_retries(self) -> int:
        """How often a failed exchange is tried again. It can be set."""
        return self._session.settings.max_retries

    @max_retries.setter
    def max_retries(self, times: int) -> None:
        self._change(max_retries=times)

    @property
    def job_monitor_interval(self) -> float:
        """The longest pause between two polls of a wait, in seconds. It can be set."""
        return self._session.settings.poll_interval

    @job_monitor_interval.setter
    def job_monitor_interval(self, seconds: float) -> None:
        self._change(poll_interval=seconds)

    @property
    def save_output_to_folder(self) -> bool:
        """Whether downloaded results are named after their outputs, or as in their URLs. It can be set."""
        return self._session.settings.names_by_output

    @save_output_to_folder.setter
    def save_output_to_folder(self, by_output: bool) -> None:
        self._change(names_by_output=by_output)

    @property
    def user_agent(self) -> str:
        """The `User-Agent` header. It can be set."""
        return self._session.settings.user_agent

    @user_agent.setter
    def user_agent(self, value: str) -> None:
        self._change(user_agent=value)

    def get_headers(self) -> dict[str, str]:
        """The headers for requests of your own to the API (1.0 surface). The key is one of them: don't print them."""
        return {"Authorization": self.api_key, "User-Agent": self.user_agent}

    def _change(self, **changes: Any) -> None:
        settings = self._session.settings
        arguments: dict[str, Any] = {**settings.arguments(), "api_key": settings.secret, **changes}
        changed = read_settings(**arguments)
        self._session.settings = (
            changed if "api_key" in changes else replace(changed, key_source=settings.key_source)
        )

    @override
    def __repr__(self) -> str:
        if "_session" not in self.__dict__:  # in a report of what its construction failed with
            return f"<{type(self).__name__} that isn't set up>"
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


def _remade(kind: type[_Client], settings: dict[str, Any], fingerprint: tuple[bytes, bytes]) -> _Client:
    """An unpickled client.

    Raises:
        ConfigurationError: there is no key here, or it is another one.
    """
    names = {"poll_interval": "job_monitor_interval", "names_by_output": "save_output_to_folder"}
    client = kind(**{names.get(name, name): value for name, value in settings.items()})
    if not Secret(client.api_key).matches(fingerprint):
        raise ConfigurationError(
            f"this client was made with another key than {API_KEY_VARIABLE} holds in this process, perhaps that of"
            f" another account: set the variable to the same key, or make the client here"
        )
    return client


class MusicAiClient(Surface, _Client):
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
            timeout: Seconds after which one exchange with the API, from connecting to the last byte of the answer, is
                given up; and one silence of a storage while a file is moved. None waits for ever.
            base_url: Where the API is; `MUSIC_AI_BASE_URL` when left out, else `https://api.music.ai/v1`.
            max_retries: How often a failed exchange is tried again; 0 switches retries off.
            http_client: An httpx client of your own, for a proxy or a transport. It is used for the API and for the
                storage, and never closed.
            ssl_context: The TLS context, for certificates of your own.
            allow_http: Lets a `base_url` without TLS that isn't on this machine pass.

        Raises:
            ConfigurationError: no key, a malformed key, URL or number. Nothing quotes the key.
        """
        secret = Secret(api_key)
        del api_key  # an error report has the local variables
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
    def _set_up(self, settings: Settings, given: _Given) -> None:
        client, tls = given
        self._given = given
        self._session = Session(settings, BlockingIO(tls=tls, client=client))
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


class AsyncMusicAiClient(AsyncSurface, _Client):
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
            timeout: Seconds after which one exchange with the API, from connecting to the last byte of the answer, is
                given up; and one silence of a storage while a file is moved. None waits for ever.
            base_url: Where the API is; `MUSIC_AI_BASE_URL` when left out, else `https://api.music.ai/v1`.
            max_retries: How often a failed exchange is tried again; 0 switches retries off.
            http_client: An httpx client of your own, for a proxy or a transport. It is used for the API and for the
                storage, and never closed.
            ssl_context: The TLS context, for certificates of your own.
            allow_http: Lets a `base_url` without TLS that isn't on this machine pass.

        Raises:
            ConfigurationError: no key, a malformed key, URL or number. Nothing quotes the key.
        """
        secret = Secret(api_key)
        del api_key  # an error report has the local variables
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
    def _set_up(self, settings: Settings, given: _Given) -> None:
        from musicai_sdk._io.asynchronous import AsyncIO  # asyncio is only loaded by who needs it

        client, tls = given
        self._given = given
        self._session = Session(settings, AsyncIO(tls=tls, client=client))
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
