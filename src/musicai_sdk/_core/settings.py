"""The settings of a client, checked when it is created."""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from musicai_sdk import __version__
from musicai_sdk._core.options import check_max_retries, check_timeout, is_duration, is_header_value
from musicai_sdk._io.proxies import is_loopback
from musicai_sdk._io.secret import Secret
from musicai_sdk._text import safe_repr, system, without_query
from musicai_sdk.errors import ConfigurationError

API_KEY_VARIABLE = "MUSIC_AI_API_KEY"
BASE_URL_VARIABLE = "MUSIC_AI_BASE_URL"
DEFAULT_BASE_URL = "https://api.music.ai/v1"
DEFAULT_TIMEOUT = 60.0
"""Seconds for one exchange with the API, and for the longest silence of a storage."""
DEFAULT_MAX_RETRIES = 3
DEFAULT_POLL_INTERVAL = 2.0
"""The longest pause between two polls, in seconds; the published Python client polls every 2 s."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """The settings of one client."""

    secret: Secret
    """The key."""
    key_source: str
    """The origin of the key in words, for errors about a wrong key."""
    stored: bool
    """Whether the key is one that `musicai login` stored, and so must not be sent to another base URL."""
    base_url: str
    user_agent: str
    timeout: float | None
    max_retries: int
    poll_interval: float
    names_by_output: bool
    """Whether to name result files after their outputs instead of as in their URLs."""
    allow_http: bool

    @property
    def api_key(self) -> str:
        """The key as text."""
        return self.secret.reveal()

    def arguments(self) -> dict[str, Any]:
        """The arguments of `read_settings` for equal settings, without the key, which stays in this process."""
        return {
            name: getattr(self, name)
            for name in inspect.signature(read_settings).parameters
            if name != "api_key"
        }


def read_settings(
    *,
    api_key: Secret | str | None,
    base_url: str | None,
    user_agent: str | None,
    timeout: float | None,
    max_retries: int,
    poll_interval: float,
    names_by_output: bool,
    allow_http: bool,
) -> ClientConfig:
    """Checks the arguments of a client, and takes missing ones from the environment, and the key from `musicai login`."""
    given = api_key if isinstance(api_key, Secret) else Secret(api_key)
    del api_key  # error reports include local variables
    if not is_duration(poll_interval):
        raise ConfigurationError(
            f"job_monitor_interval must be more than 0 seconds, not {safe_repr(poll_interval):.100}"
        )
    check_max_retries(max_retries, ConfigurationError)
    check_timeout(timeout, "timeout", ConfigurationError)
    url = checked_base_url(base_url, allow_http=allow_http)
    found = _find_key(given, url)
    return ClientConfig(
        secret=_checked_key(found),
        key_source=found.source,
        stored=found.stored,
        base_url=url,
        user_agent=_checked_header(user_agent or default_user_agent(), "user_agent"),
        timeout=timeout,
        max_retries=max_retries,
        poll_interval=poll_interval,
        names_by_output=names_by_output,
        allow_http=allow_http,
    )


class _Found(NamedTuple):
    """A key, and its origin in words."""

    secret: Secret
    source: str
    stored: bool = False


def _find_key(given: Secret, base_url: str) -> _Found:
    """The first of the argument, the environment variable, and what `musicai login` stored for this base URL."""
    if given.value is not None:
        return _Found(given, "the argument api_key")
    if (key := Secret(os.environ.get(API_KEY_VARIABLE, "").strip())).value:
        return _Found(key, f"the environment variable {API_KEY_VARIABLE}")
    # Here, because most programs set the variable.
    from musicai_sdk._credentials import source, stored_key, stored_keys

    if (stored := stored_key(base_url)) is not None:
        return _Found(stored, source(), stored=True)
    others = f"; stored keys are only for {', '.join(map(repr, found))}" if (found := stored_keys()) else ""
    raise ConfigurationError(f"no API key for {base_url}{others}: {_WAYS}")


_WAYS = (
    f"set {API_KEY_VARIABLE}, pass api_key=…, or run `musicai login` (create a key in the Music.AI dashboard, one for each"
    f" application)"
)


def _checked_key(found: _Found) -> Secret:
    """The key without surrounding white space. No message quotes the key, and no frame of a traceback contains it.

    The `Authorization` header is the bare key, without `Bearer` (source: official documentation). A newline in it, as
    at the end of a key file, would make the HTTP library print the key in its error.
    """
    secret = Secret(_stripped(found.secret.value))
    problem = _problem(secret, found.source)
    if problem:
        raise ConfigurationError(problem)
    return secret


def _stripped(key: object) -> object:
    return key.strip() if isinstance(key, str) else key


def _problem(secret: Secret, where: str) -> str | None:
    """The problem with a key in words, or None."""
    key = secret.value
    if not isinstance(key, str):
        return f"{where} must be text, not {type(key).__name__}"
    if not key:
        return f"no API key, because {where} is empty: {_WAYS}"
    if key.lower().startswith("bearer"):
        return f"{where} starts with 'Bearer': the service expects the key alone, without a prefix"
    if not key.isascii() or not key.isprintable() or " " in key:
        return f"{where} contains white space, a control character or a non-ASCII letter, so it isn't a key"
    return None


def checked_base_url(base_url: str | None, *, allow_http: bool) -> str:
    """The base URL without a trailing slash. Only None means the default, because the default service costs money."""
    if base_url is not None and not isinstance(cast("object", base_url), str):
        raise ConfigurationError(f"base_url must be text, not {type(base_url).__name__}")
    if base_url is None:
        base_url = os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    url = base_url.strip().rstrip("/")
    shown = without_query(url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(f"the base URL {shown!r} is malformed") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or " " in url:
        raise ConfigurationError(f"the base URL must look like {DEFAULT_BASE_URL}, not {shown!r}")
    if parts.query or parts.fragment or parts.username is not None:
        raise ConfigurationError(f"the base URL {shown!r} must not have a query, a fragment or a user name")
    if parts.scheme == "http" and not allow_http and not is_loopback(url):
        raise ConfigurationError(
            f"{shown!r} would send your key unencrypted over the network: use https, or pass allow_http=True"
        )
    return url


def default_user_agent() -> str:
    """The `User-Agent` in the published client's form (source: official Python client 1.0.4)."""
    return f"Music.AI/SDK-Python/{__version__} ({system()})"


def _checked_header(value: str, name: str) -> str:
    if not isinstance(cast("object", value), str):
        raise ConfigurationError(f"{name} must be text, not {type(value).__name__}")
    if not is_header_value(value):
        raise ConfigurationError(
            f"{name} can't go into an HTTP header: it must be printable ASCII, without white space around it"
        )
    return value
