"""obstore, loaded when a bucket is first used, and its troubles in the words of this package."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from musicai_sdk._text import without_query
from musicai_sdk.errors import ConfigurationError, InputError
from musicai_sdk.storage.errors import ObjectNotFoundError, StorageError

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_RETRIES = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
"""obstore would keep a caller waiting for three minutes."""
SIGN = "sign a URL of"
"""What is told to have been tried when credentials were looked for: nothing else needs the network then."""
_CONNECTIONS = ("client_options", "retry_config", "credential_provider")

_SECRET = re.compile(
    r"access_key|account_key|master_key|customer_key|service_account|secret|token|sas|password|bearer|credential",
    re.IGNORECASE,
)
"""Options that are secrets, or lead to some: what a pickled bucket leaves out."""


def open_store(
    root: str, options: Mapping[str, object], *, allow_http: bool
) -> S3Store | GCSStore | AzureStore:
    """The store of a whole bucket; nothing is sent.

    Raises:
        ConfigurationError: obstore isn't installed, or an option isn't one or can't be right.
    """
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise ConfigurationError(
            'your own storage needs obstore: pip install "musicai-sdk[storage]"'
        ) from None
    given = dict(options)
    connecting = {name: given.pop(name) for name in _CONNECTIONS if name in given}
    client_options: dict[str, object] = {**cast("dict[str, object]", connecting.get("client_options") or {})}
    endpoint = given.get("endpoint")
    if isinstance(endpoint, str) and endpoint.startswith("http://"):
        if not (allow_http or client_options.get("allow_http") or urlsplit(endpoint).hostname in _LOOPBACK):
            raise ConfigurationError(
                f"the endpoint {without_query(endpoint)} has no TLS, so anybody could read along: use https://, or"
                " allow_http=True"
            )
        client_options["allow_http"] = True
    if client_options:
        connecting["client_options"] = client_options
    connecting.setdefault("retry_config", _RETRIES)
    try:
        store = from_url(root, **cast("Any", given), **cast("Any", connecting))
    except (BaseError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{root} can't be used: {_first_line(error)}") from None
    return cast("S3Store", store)


def portable(options: Mapping[str, object]) -> dict[str, object]:
    """The options that may travel to another process: none that is a secret.

    Raises:
        ConfigurationError: a credential provider, which can't travel.
    """
    if "credential_provider" in options:
        raise ConfigurationError("a bucket with a credential_provider of its own can't be pickled")
    kept = {name: value for name, value in options.items() if not _SECRET.search(name)}
    client_options = kept.get("client_options")
    if isinstance(client_options, Mapping):
        # Proxies have passwords in their URLs, and headers may authorise.
        kept["client_options"] = {
            name: value
            for name, value in cast("Mapping[str, object]", client_options).items()
            if name not in ("default_headers", "proxy_url")
        }
    return kept


_LOOKING_FOR_CREDENTIALS = re.compile(r"/latest/|computeMetadata|metadata/identity|oauth2", re.IGNORECASE)
"""Where the credentials of a cloud's own machines come from: asked when the environment has none."""


@contextmanager
def told_as(what: str, url: str) -> Generator[None]:
    """Errors of obstore as `StorageError`. Its own texts quote answers and requests, in which keys may stand.

    Args:
        what: What was tried, such as `list`.
        url: Of what, without a signature.
    """
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        if re.search("NoSuchBucket|ContainerNotFound|specified bucket does not exist", str(error)):
            raise StorageError(f"can't {what} {url}: there is no such bucket", url=url, status=404) from None
        raise ObjectNotFoundError(f"there is no {url}", url=url, status=404) from None
    except (BaseError, PermissionError) as error:
        text = str(error)
        status = re.search(r"status code: (\d{3})", text)
        code = re.search(r"<Code>([\w.-]{1,100})</Code>", text)
        reasons = [found[1] for found in (status, code) if found] or [_first_line(error)]
        raise StorageError(
            f"can't {what} {url}: {' '.join(reasons)}{_hint(status[1] if status else '', what, text)}",
            url=url,
            status=int(status[1]) if status else None,
        ) from None
    except (TypeError, ValueError):
        raise InputError(f"can't {what} {url}: it can't be the name of an object") from None


def _hint(status: str, what: str, text: str) -> str:
    if status in ("401", "403"):
        return "; the credentials in the environment don't allow that"
    if what == SIGN or _LOOKING_FOR_CREDENTIALS.search(text):
        return (
            "; there are no credentials: set those of the storage in the environment, see musicai_sdk.storage"
        )
    return ""


def _first_line(error: BaseException) -> str:
    """What went wrong, without the request's URL and without the answer."""
    line = str(error).partition("\n")[0].rpartition(" - ")[2]
    return re.sub(r"\?\S*", "?…", line)[:200]
