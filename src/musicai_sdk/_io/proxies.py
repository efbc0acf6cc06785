"""What may lie between the client and the service: which requests go through a proxy, and which never do."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

SCHEMES = ("http", "https", "all")
"""The keys of the environment's proxies: for which URLs each is."""


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


def behind_proxy() -> bool:
    """Whether the environment names a proxy: which requests go through it is what a whole httpx client knows."""
    proxies = getproxies()
    return any(proxies.get(scheme) for scheme in SCHEMES)


def proxy_for(url: str) -> str | None:
    """The `host:port` of the proxy that the environment names for a URL, without user name and password."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy.rpartition("://")[2].rpartition("@")[2].partition("/")[0]


UNUSABLE = (ImportError, ValueError, httpx.InvalidURL)
"""What httpx raises about proxies that it can't use."""


def unusable(attempt: Callable[[str], object]) -> str:
    """What is wrong with the environment's proxies, in words; `attempt` uses one as httpx does. No value is quoted."""
    for scheme in SCHEMES:
        proxy = getproxies().get(scheme)
        try:
            if proxy:
                attempt(proxy if "://" in proxy else f"http://{proxy}")
        except ImportError:
            return f'{_place(scheme)} names a SOCKS proxy: pip install "httpx[socks]", or unset it'
        except UNUSABLE:
            return f"{_place(scheme)} doesn't hold the URL of a proxy, such as http://proxy.example:3128: correct or unset it"
    return f"{_place('no')} can't be read: it takes host names, separated by commas"


def _place(scheme: str) -> str:
    """Where a proxy is named: lower case counts first, as in urllib."""
    for name in (f"{scheme}_proxy", f"{scheme}_PROXY".upper()):
        if os.environ.get(name):
            return f"the environment variable {name}"
    return "the system's setting of proxies"
