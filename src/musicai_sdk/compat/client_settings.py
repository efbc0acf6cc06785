"""The settings of the published client: attributes, and what `requests` took for a timeout."""

from __future__ import annotations

from enum import Enum
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias, cast

from typing_extensions import override

from musicai_sdk import MusicAiClient as TypedClient
from musicai_sdk._text import without_query
from musicai_sdk.compat.answers import Timeout
from musicai_sdk.errors import ConfigurationError, InputError

SHORTEST_INTERVAL = 0.01
"""Stands for an interval of 0 seconds."""


class Unset(Enum):
    """The type of `UNSET`, its only member."""

    UNSET = "UNSET"
    """No timeout given: the client's own."""

    @override
    def __repr__(self) -> str:
        return self.value


UNSET: Final = Unset.UNSET
"""The default of `timeout`: the client's own, whereas None waits without end."""

CallTimeout: TypeAlias = Timeout | Literal[Unset.UNSET]
"""The `timeout` of one call."""


class ClientSettings:
    """The settings of a client, and its life."""

    _typed: TypedClient
    _timeout: Timeout
    _job_monitor_interval: float
    _own_tls: bool

    @property
    def typed(self) -> TypedClient:
        """The `musicai_sdk.MusicAiClient` that does the work, to move a program over call by call."""
        return self._typed

    def close(self) -> None:
        """Closes the connections. Nothing needs it."""
        self._typed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._typed.close()

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={without_query(self.base_url)!r})"

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Clients pickle without their key: the process that unpickles one reads it from its own environment."""
        if self._own_tls:
            raise ConfigurationError("a client with an ssl_context of its own can't be pickled")
        settings = {
            "job_monitor_interval": self.job_monitor_interval,
            "save_output_to_folder": self.save_output_to_folder,
            "user_agent": self.user_agent,
            "timeout": self.timeout,
            "base_url": self.base_url,
            "max_retries": self.max_retries,
            # It is checked already.
            "allow_http": True,
        }
        return _remade, (type(self), settings)

    # Settings, which 1.0 had as attributes. They can be set, and hold from the next request on.

    @property
    def api_key(self) -> str:
        """The key. It can be set; don't print it."""
        return self._typed.api_key

    @api_key.setter
    def api_key(self, key: str) -> None:
        self._typed.api_key = key

    @property
    def base_url(self) -> str:
        """Where the API is, without a trailing slash. It can be set."""
        return self._typed.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._typed.base_url = url

    @property
    def job_monitor_interval(self) -> float:
        """The longest pause between two polls of a wait, in seconds. It can be set."""
        return self._job_monitor_interval

    @job_monitor_interval.setter
    def job_monitor_interval(self, seconds: float) -> None:
        self._typed.job_monitor_interval = interval(seconds)
        self._job_monitor_interval = seconds

    @property
    def save_output_to_folder(self) -> bool:
        """Whether downloaded results are named after their outputs, or as in their URLs. It can be set."""
        return self._typed.save_output_to_folder

    @save_output_to_folder.setter
    def save_output_to_folder(self, by_output: bool) -> None:
        self._typed.save_output_to_folder = by_output

    @property
    def user_agent(self) -> str:
        """The `User-Agent` header. It can be set."""
        return self._typed.user_agent

    @user_agent.setter
    def user_agent(self, value: str) -> None:
        self._typed.user_agent = value

    @property
    def timeout(self) -> Timeout:
        """Seconds after which an exchange is given up, or `(connect, read)`; None waits without end. It can be set."""
        return self._timeout

    @timeout.setter
    def timeout(self, value: Timeout) -> None:
        self._typed.timeout = silence(value)
        self._timeout = value

    @property
    def max_retries(self) -> int:
        """How often a failed exchange is tried again. It can be set. Not in 1.0."""
        return self._typed.max_retries

    @max_retries.setter
    def max_retries(self, times: int) -> None:
        self._typed.max_retries = times

    def get_headers(self) -> dict[str, str]:
        """The headers for requests of your own to the API. The key is one of them: don't print them."""
        # As 1.0 gave them: the typed client hides the key in a `repr`.
        return {name: str(value) for name, value in self._typed.get_headers().items()}

    def _seconds(self, timeout: CallTimeout) -> float | None:
        """A call's timeout for the typed client."""
        return self._typed.timeout if timeout is UNSET else silence(timeout)


def _remade(kind: type[ClientSettings], settings: dict[str, Any]) -> ClientSettings:
    """An unpickled client."""
    return kind(**settings)


def interval(seconds: float) -> float:
    """A pause between polls for the typed client, which wants one; 1.0 took 0 for none."""
    return SHORTEST_INTERVAL if seconds == 0 else seconds


def silence(timeout: Timeout) -> float | None:
    """The part of a timeout that the typed client takes; it checks that one."""
    if not isinstance(timeout, tuple):
        return timeout
    given = cast("tuple[object, ...]", timeout)
    if len(given) != 2:
        raise InputError(f"timeout must be seconds, (connect, read) or None, not {given!r:.100}")
    connect, read = timeout
    if connect is not None and not (isinstance(cast("object", connect), int | float) and connect > 0):
        raise InputError(
            f"timeout must have more than 0 seconds for connecting, or None, not {connect!r:.100}"
        )
    return read
