"""Access to obstore, which is imported at first use, and the translation of its errors."""

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
"""obstore retries for three minutes by default."""
SIGN = "sign a URL of"
"""The action of `translate_errors` for signing, which uses the network only to look for credentials."""
_CONNECTIONS = ("client_options", "retry_config", "credential_provider")
"""Options that obstore takes as separate arguments."""

_SECRET = re.compile(
    r"access_key|account_key|master_key|customer_key|service_account|secret|token|sas|password|bearer|credential",
    re.IGNORECASE,
)
"""Options that are secrets or lead to secrets: a pickled bucket omits them."""


def open_store(
    root: str, options: Mapping[str, object], *, allow_http: bool
) -> S3Store | GCSStore | AzureStore:
    """The obstore object for a whole bucket; nothing is sent.

    Raises:
        ConfigurationError: obstore isn't installed, or an option is unknown or invalid.
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
                f"the endpoint {without_query(endpoint)} has no TLS, so others can read the traffic: use https://, or pass"
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
    """The options that may be pickled: none of them is a secret.

    Raises:
        ConfigurationError: there is a credential provider, which can't be pickled.
    """
    if "credential_provider" in options:
        raise ConfigurationError(
            "a bucket with its own credential_provider can't be pickled: set credentials in the environment instead"
        )
    kept = {name: value for name, value in options.items() if not _SECRET.search(name)}
    client_options = kept.get("client_options")
    if isinstance(client_options, Mapping):
        # URLs of proxies may contain passwords, and headers may contain credentials.
        kept["client_options"] = {
            name: value
            for name, value in cast("Mapping[str, object]", client_options).items()
            if name not in ("default_headers", "proxy_url")
        }
    return kept


_LOOKING_FOR_CREDENTIALS = re.compile(r"/latest/|computeMetadata|metadata/identity|oauth2", re.IGNORECASE)
"""Addresses of the credential services of clouds, which obstore asks if the environment has no credentials."""


@contextmanager
def translate_errors(what: str, url: str) -> Generator[None]:
    """Translates errors of obstore to `StorageError`. Their texts quote requests and answers, which may contain keys.

    Args:
        what: The action, such as `list`.
        url: The object of the action, without a signature.
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
        raise InputError(f"can't {what} {url}: the name of the object is invalid") from None


def _hint(status: str, what: str, text: str) -> str:
    if status in ("401", "403"):
        return "; the credentials in the environment don't allow it"
    if what == SIGN or _LOOKING_FOR_CREDENTIALS.search(text):
        return "; there are no credentials: set them in the environment, see help(musicai_sdk.storage)"
    return ""


def _first_line(error: BaseException) -> str:
    """The reason in an error's text, without the request's URL and the answer."""
    line = str(error).partition("\n")[0].rpartition(" - ")[2]
    return re.sub(r"\?\S*", "?…", line)[:200]
