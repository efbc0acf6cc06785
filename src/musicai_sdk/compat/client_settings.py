"""The attributes of the published client, and the timeouts of `requests`."""

from __future__ import annotations

import copy
import math
import weakref
from enum import Enum
from functools import partial
from numbers import Real
from typing import Any, Final, Literal, Self, TypeAlias

from typing_extensions import override

from musicai_sdk import MusicAiClient as TypedClient
from musicai_sdk import RequestOptions
from musicai_sdk._credentials import Secret
from musicai_sdk._text import without_query
from musicai_sdk.compat.answers import Timeout
from musicai_sdk.errors import ConfigurationError, InputError, MusicAiError

SHORTEST_INTERVAL = 0.01
"""Used for an interval of 0 seconds."""


class Unset(Enum):
    """The type of `UNSET`, its only member."""

    UNSET = "UNSET"
    """No timeout was given: the client's own applies."""

    @override
    def __repr__(self) -> str:
        return self.value


UNSET: Final = Unset.UNSET
"""The default of `timeout`: the client's own. None means no limit."""

CallTimeout: TypeAlias = Timeout | Literal[Unset.UNSET]
"""The `timeout` of one call."""


class ClientSettings:
    """The settings of a client, and its lifetime."""

    _typed: TypedClient
    _timeout: Timeout
    _job_monitor_interval: float
    _own_tls: bool

    def _use(self, typed: TypedClient) -> None:
        """Sets the typed client, which is closed when this client is garbage-collected."""
        self._typed = typed
        # Programs for 1.0 never close a client.
        weakref.finalize(self, typed.close)

    def __copy__(self) -> Self:
        """A second client with the same key and settings, and connections of its own."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._use(copy.copy(self._typed))
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same as `copy.copy`."""
        return self.__copy__()

    @property
    def typed(self) -> TypedClient:
        """The `musicai_sdk.MusicAiClient` that does the work; with it a program can be migrated call by call."""
        return self._typed

    def close(self) -> None:
        """Closes the connections. Optional."""
        self._typed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._typed.close()

    @override
    def __repr__(self) -> str:
        if "_typed" not in self.__dict__:  # its construction failed, and an error report shows it
            return f"<{type(self).__name__} without settings>"
        return f"{type(self).__name__}(base_url={without_query(self.base_url)!r})"

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Clients are pickled without their key: the process that unpickles one reads it from its environment."""
        if self._own_tls:
            raise ConfigurationError(
                "a client with its own ssl_context can't be pickled: create it in the other process"
            )
        settings = {
            "job_monitor_interval": self.job_monitor_interval,
            "save_output_to_folder": self.save_output_to_folder,
            "user_agent": self.user_agent,
            "timeout": self.timeout,
            "base_url": self.base_url,
            "max_retries": self.max_retries,
            # Checked at construction.
            "allow_http": True,
        }
        return partial(type(self), **settings), ()

    # The attributes of 1.0. They can be set, and apply from the next request.

    @property
    def api_key(self) -> str:
        """The key. It can be set; don't print it."""
        return self._typed.api_key

    @api_key.setter
    def api_key(self, key: str) -> None:
        secret: Any = Secret(key)
        del key  # error reports include local variables
        self._typed.api_key = secret

    @property
    def base_url(self) -> str:
        """The address of the API, without a trailing slash. It can be set."""
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
        """The limit for one exchange, see `Timeout`. It can be set."""
        return self._timeout

    @timeout.setter
    def timeout(self, value: Timeout) -> None:
        self._typed.timeout = limits(value, ConfigurationError).get("request_timeout")
        self._timeout = value

    @property
    def max_retries(self) -> int:
        """How often a failed exchange is retried. It can be set. Not in 1.0."""
        return self._typed.max_retries

    @max_retries.setter
    def max_retries(self, times: int) -> None:
        self._typed.max_retries = times

    def get_headers(self) -> dict[str, str]:
        """The headers for your own requests to the API. They contain the key: don't print them."""
        # Plain text as in 1.0; the typed client hides the key in a `repr`.
        return {name: str(value) for name, value in self._typed.get_headers().items()}

    def _limits(self, timeout: CallTimeout) -> RequestOptions:
        """The timeout of a call, and the headers of a subclass's `get_headers`, as options of the typed client."""
        options = limits(timeout) if timeout is not UNSET else limits(self._timeout)
        if timeout is UNSET:
            options["request_timeout"] = self._typed.timeout
        own = ClientSettings.get_headers(self)
        if added := {name: text for name, text in self.get_headers().items() if own.get(name) != text}:
            options["headers"] = added
        return options


def interval(seconds: float) -> float:
    """A poll interval for the typed client, which refuses 0; 1.0 accepted it."""
    return SHORTEST_INTERVAL if seconds == 0 else seconds


def limits(timeout: Timeout, kind: type[MusicAiError] = InputError) -> RequestOptions:
    """A timeout as the options of the typed client; raises an error of that kind for anything else."""
    given: tuple[Any, ...] = timeout if isinstance(timeout, tuple) else (None, timeout)
    if len(given) != 2 or not all(each is None or _is_limit(each) for each in given):
        raise kind(f"timeout must be seconds above 0, (connect, read) or None, not {timeout!r:.100}")
    connect, request = (None if each is None else float(each) for each in given)
    return {"connect_timeout": connect, "request_timeout": request}


def _is_limit(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):  # numbers of numpy are `Real`
        return False
    return 0 < float(value) < math.inf
