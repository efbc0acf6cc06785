"""The environment's proxies: which requests use a proxy, and which never do."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from musicai_sdk.errors import ConfigurationError

UNUSABLE = (ImportError, ValueError, httpx.InvalidURL)
"""The exceptions that httpx raises for proxies that it can't use."""


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine: `localhost`, names below it, 127.0.0.0/8 and ::1."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_for(url: str) -> str | None:
    """The URL of the proxy that the environment names for a URL; None to connect to the host directly.

    Connections to this machine are always direct: a proxy would get the key in clear text, and couldn't reach this
    machine's loopback address.
    """
    proxies = getproxies()
    if not proxies or is_loopback(url):
        return None
    try:
        parts = urlsplit(url)
        if _is_exempt(parts, proxies.get("no", "")):
            return None
    except ValueError:  # not a URL; httpx raises the error
        return None
    proxy = (proxies.get(parts.scheme) or proxies.get("all") or "").strip()
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_exempt(url: SplitResult, no_proxy: str) -> bool:
    """Whether `NO_PROXY`, or the system's settings, exempt a URL's host. Meaningless entries are ignored."""
    host, port = (url.hostname or "").rstrip("."), url.port or (443 if url.scheme == "https" else 80)
    entries = re.split(r"[\s,;]+", no_proxy.lower())
    return any(_covers(entry, host, port) for entry in entries) or bool(
        proxy_bypass(url.netloc.rpartition("@")[2])
    )


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of `NO_PROXY` covers a host.

    An entry is `*`, a domain (also as `.corp.example` or `*.corp.example`), an address or a network (`10.0.0.0/8`,
    `fd00::/8`), perhaps with a scheme, a port or a path (`https://corp.example:8443/v1`, `[::1]:8080`).
    """
    if entry == "*":
        return True
    entry = re.sub(r"/(?!\d+$).*", "", entry.rpartition("://")[2])
    if entry.count(":") == 1 or "]:" in entry:
        entry, _, its_port = entry.rpartition(":")
        if its_port != str(port):
            return False
    name = entry.strip("[]").lstrip("*.").rstrip(".")
    if name and f".{host}".endswith(f".{name}"):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False


def shown(proxy: str) -> str:
    """A proxy as `host:port`, without user name and password."""
    return proxy.rpartition("://")[2].rpartition("@")[2].partition("/")[0]


def unusable(scheme: str, error: BaseException) -> ConfigurationError:
    """The error of a proxy that httpx can't use. It doesn't quote the proxy's URL, which may contain a password."""
    place = source(scheme)
    if isinstance(error, ImportError):
        return ConfigurationError(f'{place} names a SOCKS proxy: pip install "httpx[socks]", or unset it')
    return ConfigurationError(
        f"{place} doesn't hold the URL of a proxy, such as http://proxy.example:3128: correct or unset it"
    )


def source(scheme: str) -> str:
    """The setting that names the proxy for a scheme, in words. As in urllib, lower-case variables have priority."""
    proxies = getproxies()
    name = f"{scheme if proxies.get(scheme) else 'all'}_proxy"
    variable = next((each for each in (name, name.upper()) if os.environ.get(each)), None)
    return f"the environment variable {variable}" if variable else "the system's proxy setting"
