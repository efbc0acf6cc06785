"""The hosts of URLs: an agent must not lead the service, or this server, to computers of a private network."""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import urlsplit

from musicai_sdk.mcp.errors import ToolError
from musicai_sdk.workflows.inputs import texts_in

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")
"""The ends of names that only a private network knows (sources: RFC 6761, 6762 and 8375, and ICANN for `.internal`)."""
_LOCAL = {"127.0.0.1": "localhost", "::1": "localhost"}
"""Other spellings of `localhost`: a sandbox may be given by one, and name its files by another."""
_PORTS = {"http": 80, "https": 443}
_DOTS = str.maketrans("\u3002\uff61", "..")


class Addresses:
    """The hosts that URLs may name: every public one, and the host of the service itself, at the port of the service.

    A host counts as private by its name, or by the address that the URL contains. Names aren't looked up, because in
    some networks even public names have private addresses.

    Args:
        base_url: The base URL of the service, which may be a sandbox on this machine.
    """

    def __init__(self, base_url: str) -> None:
        self._service = _server(base_url)

    def check_inputs(self, values: Iterable[object]) -> None:
        """Checks the URLs in an input and in parameters, at any depth.

        Raises:
            ToolError: a URL names a private host, which the service can't reach.
        """
        for text in texts_in(list(values)):
            if (host := self._refused(text)) is not None:
                raise ToolError(
                    "private_address",
                    f"{host!r:.200} is in a private network: the service can't reach it, and a job for it would fail and"
                    " still cost money",
                    "Nothing was sent. Download the file into an allowed folder, and pass its path.",
                )

    def check_outputs(self, urls: Iterable[str]) -> None:
        """Checks URLs in the result of a job, from which this server would download.

        Raises:
            ToolError: a URL names a private host.
        """
        for url in urls:
            if (host := self._refused(url)) is not None:
                raise ToolError(
                    "private_address",
                    f"the job's result has a URL in a private network, at {host!r:.200}: this server doesn't fetch it",
                    "Tell the user. The job and its other outputs can still be read.",
                )

    def _refused(self, text: str) -> str | None:
        """The host of a URL if it is refused; None for other texts."""
        if text.lstrip()[:8].lower().startswith(("http://", "https://")):
            host = _host(text.strip())
            if host and _is_private(host) and _server(text.strip()) != self._service:
                return host
        return None


def _host(url: str) -> str:
    """The host in lower case, without brackets and a final dot; empty if there is none.

    Digits and dots of other scripts become ASCII, as in clients that follow UTS 46.
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return unicodedata.normalize("NFKC", host).translate(_DOTS).rstrip(".")


def _server(url: str) -> tuple[str, int | None]:
    """The host and the port; a port of -1 for one that isn't a port."""
    host = _host(url)
    try:
        parts = urlsplit(url)
        port = _PORTS.get(parts.scheme) if parts.port is None else parts.port
    except ValueError:
        port = -1
    return _LOCAL.get(host, host), port


def _is_private(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return not address.is_global or address.is_multicast
    return "." not in host or host.endswith(_PRIVATE_NAMES)


def _address(host: str) -> _Address | None:
    """The address that a host is; None for a name. Also short and hexadecimal forms, which resolvers accept."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return None
    return getattr(address, "ipv4_mapped", None) or address
