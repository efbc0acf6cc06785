"""The code that both clients share: settings as attributes, `repr`, copies and pickles."""

from __future__ import annotations

import ssl
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from typing_extensions import override

from musicai_sdk._core.session import Session
from musicai_sdk._core.settings import API_KEY_VARIABLE, ClientConfig, read_settings
from musicai_sdk._io import Exchange, recording
from musicai_sdk._io.secret import Secret
from musicai_sdk._text import without_query
from musicai_sdk.errors import ConfigurationError
from musicai_sdk.resources.method_arguments import successor

Given: TypeAlias = tuple[Any, ssl.SSLContext | None]
"""The `http_client` and `ssl_context` arguments of a client."""


_FORMER_NAMES = {
    "create_job": "client.jobs.create(CustomWorkflow(slug, params), name=…), or 1.0's client.add_job(name, slug, params)",
    "get_jobs": "client.jobs.list(), or 1.0's client.list_jobs()",
    "process_file": "client.jobs.run(workflow) and client.jobs.download(job, folder)",
    "process_folder": "musicai_sdk.batch.run(workflow, inputs, outputs), or `musicai process folder`",
}
"""The methods of 0.x that 1.0 dropped, and their successors."""


def _places(kind: type, name: str) -> Iterator[str]:
    """The methods that a missing attribute of a client may mean: of this client, or of its resources."""
    if (found := successor(kind, name)) is not None:
        yield f"client.{found}"
    for resource, methods in _METHODS.items():
        if name in methods:
            yield f"client.{resource}.{name}"


_METHODS = {
    "jobs": ("create", "run", "get", "status", "wait", "wait_all", "delete", "find"),
    "files": ("upload", "read"),
}
"""The names of methods that only one resource has."""


class ClientSettings:
    """The settings of a client, as attributes like in the 1.0 package."""

    _session: Session
    _given: Given
    """The arguments that can't be copied to another process."""

    @abstractmethod
    def _set_up(self, settings: ClientConfig, given: Given) -> None:
        """Creates the session, with its own driver, and the resources."""

    if not TYPE_CHECKING:  # otherwise type checkers would accept every misspelt name

        def __getattr__(self, name: str) -> Any:
            """Names the successor of a method of 0.x."""
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in _FORMER_NAMES:
                text += (
                    f": use {_FORMER_NAMES[name]}; musicai_sdk.compat runs programs for 0.x and 1.0 unchanged"
                )
            elif (found := next((each for each in _places(type(self), name)), None)) is not None:
                text += f": use {found}"
            raise AttributeError(text, name=name, obj=self)

    def __copy__(self) -> Self:
        """A second client with the same key, settings and `http_client`; idempotency keys are exact across both."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._set_up(self._session.settings, self._given)
        other._session.share_keys(self._session)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same as `copy.copy`."""
        return self.__copy__()

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles a client without its key; the unpickling process takes the key from its environment or `musicai login`.

        The pickle contains a digest of the key, so that the client can't be restored with the key of another account.
        """
        if self._given != (None, None):
            raise ConfigurationError(
                "a client with your http_client or ssl_context can't be pickled: create it in the other process"
            )
        settings = self._session.settings
        return _remade, (type(self), settings.arguments(), settings.secret.fingerprint())

    # Each setter checks its value as `__init__` does. The value applies from the next request on.

    @property
    def base_url(self) -> str:
        """The API's URL, without a trailing slash. Can be set; a key from `musicai login` changes with it."""
        return self._session.settings.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._change(base_url=url)

    @property
    def api_key(self) -> str:
        """The key. Can be set. `repr` hides the key, `print` shows it."""
        return self._session.settings.api_key

    @api_key.setter
    def api_key(self, key: str) -> None:
        secret = Secret(key)
        del key  # error reports include local variables
        self._change(api_key=secret)

    @property
    def timeout(self) -> float | None:
        """Seconds for one exchange, see `RequestOptions`; None for no limit. Can be set."""
        return self._session.settings.timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._change(timeout=seconds)

    @property
    def max_retries(self) -> int:
        """How often a failed exchange is retried. Can be set."""
        return self._session.settings.max_retries

    @max_retries.setter
    def max_retries(self, times: int) -> None:
        self._change(max_retries=times)

    @property
    def job_monitor_interval(self) -> float:
        """The longest pause between two polls of a wait, in seconds. Can be set."""
        return self._session.settings.poll_interval

    @job_monitor_interval.setter
    def job_monitor_interval(self, seconds: float) -> None:
        self._change(poll_interval=seconds)

    @property
    def save_output_to_folder(self) -> bool:
        """Whether result files are named after their outputs, or as in their URLs. Can be set."""
        return self._session.settings.names_by_output

    @save_output_to_folder.setter
    def save_output_to_folder(self, by_output: bool) -> None:
        self._change(names_by_output=by_output)

    @property
    def user_agent(self) -> str:
        """The `User-Agent` header. Can be set."""
        return self._session.settings.user_agent

    @user_agent.setter
    def user_agent(self, value: str) -> None:
        self._change(user_agent=value)

    def get_headers(self) -> dict[str, str]:
        """Returns headers for your own requests to the API (1.0 surface). They contain the key: don't print them."""
        return {"Authorization": self.api_key, "User-Agent": self.user_agent}

    def _change(self, **changes: Any) -> None:
        settings = self._session.settings
        # A stored key is for one base URL; another one needs its own.
        new_key = "api_key" in changes or (settings.stored and "base_url" in changes)
        key = None if new_key else settings.secret
        arguments: dict[str, Any] = {**settings.arguments(), "api_key": key, **changes}
        changed = read_settings(**arguments)
        if not new_key:
            changed = replace(changed, key_source=settings.key_source, stored=settings.stored)
        self._session.settings = changed

    @override
    def __repr__(self) -> str:
        if "_session" not in self.__dict__:  # when a traceback shows a client whose `__init__` failed
            return f"<{type(self).__name__} without settings>"
        return f"{type(self).__name__}(base_url={without_query(self.base_url)!r})"

    def record(self) -> AbstractContextManager[list[Exchange]]:
        """Collects this client's HTTP exchanges in a `with` block.

        ```python
        with client.record() as exchanges:
            client.jobs.get(job_id)
        print(exchanges[-1].status, exchanges[-1].request_id, exchanges[-1].elapsed)
        ```

        Every attempt, poll and transfer adds one `Exchange`: method, URL without its query, status, headers, request
        id, seconds, attempt number. An `Exchange` contains no key, no signature and no body.
        """
        return recording(self._session.io)


def _remade(
    kind: type[ClientSettings], settings: dict[str, Any], fingerprint: tuple[bytes, bytes]
) -> ClientSettings:
    """Unpickles a client.

    Raises:
        ConfigurationError: this process has no key, or a different key.
    """
    names = {"poll_interval": "job_monitor_interval", "names_by_output": "save_output_to_folder"}
    client = kind(**{names.get(name, name): value for name, value in settings.items()})
    if not Secret(client.api_key).matches(fingerprint):
        raise ConfigurationError(
            f"this client was created with another key than this process has, in {API_KEY_VARIABLE} or from `musicai login`,"
            f" perhaps of another account: set the variable to the same key, or create the client here"
        )
    return client
