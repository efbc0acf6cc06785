"""The checks of `musicai doctor`: versions, key, base URL, proxies, certificates, clock, and a request for the jobs.

Every check gives a `Finding`, whose text never contains the key or the user name and password of a proxy. The checks ask
the same functions as the client, so that they see the settings that count. They create nothing at the service.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import Literal, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies

from musicai_sdk import Exchange, MusicAiClient, __version__
from musicai_sdk._core.settings import BASE_URL_VARIABLE
from musicai_sdk._credentials import masked
from musicai_sdk._io import proxies, tls
from musicai_sdk.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    MusicAiError,
    NotFoundError,
    PermissionDeniedError,
    StatusError,
)

Level: TypeAlias = Literal["ok", "warning", "problem"]

_DISTRIBUTION = "musicai-sdk"
_PATIENCE = 10.0
"""Seconds to wait for a proxy or for an answer."""
_TOLERATED = 60.0
"""The difference of clocks in seconds that does no harm."""
_HARMFUL = 300.0
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_NO_KEY = "none"
"""A key for requests that only have to reach the service."""
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[([\w,.-]*)\])?\s*([^;]*)(?:;.*extra\s*==\s*['\"]([\w.-]+)['\"])?")
_BOUND = re.compile(r"(>=|<)\s*([\d.]+)")
_REASON = re.compile(r"certificate verify failed: (.+?)(?: \(_ssl\.c:\d+\))?;")
_CERTIFICATE_ADVICE = {
    "expired": "check this machine's clock; if it is right, whoever runs the server must renew its certificate",
    "not yet valid": "check this machine's clock",
    "mismatch": "check the host of the base URL; otherwise something between you and the service answers for it",
    "certificate": (
        f"if your network inspects TLS, or the service has its own authority, set {tls.CA_VARIABLES[0]} to a file with that"
        " authority's certificate in PEM format; otherwise don't connect: this may not be the service"
    ),
}
"""What to do about a certificate, by words of OpenSSL's reason; the first that occurs counts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    """The name of the check."""
    level: Level
    text: str
    """What was found."""
    advice: str = ""
    """What to do."""


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """What the command found when it looked for a key."""

    key: str | None = field(default=None, repr=False)
    """The key, or None if the client finds it itself, or if there is none."""
    origin: str | None = None
    """The origin of the key, in words."""
    problem: str | None = None
    """Why there is no usable key."""


def examine(lookup: KeyLookup, base_url: str | None) -> Iterator[Finding]:
    """Yields a finding for every check, in the order in which to solve problems.

    Args:
        lookup: The key.
        base_url: The argument of the client.
    """
    yield from _versions()
    try:
        with MusicAiClient(_NO_KEY, base_url=base_url) as client:
            address = client.base_url
    except ConfigurationError as error:
        text = str(error).replace(", or pass allow_http=True", "")
        yield Finding("base URL", "problem", text, f"correct {_source_of_url(base_url)}")
        return
    yield Finding("base URL", "ok", f"{address}, from {_source_of_url(base_url)}")
    lookup = _checked(lookup, base_url)
    proxy = _proxy(address)
    yield proxy
    certificates = _certificates()
    if "problem" in (proxy.level, certificates.level):
        yield certificates
        yield _key_alone(lookup)
        yield from _unchecked("connection", "clock", "jobs", why="there is no connection")
        return
    yield from _service(lookup, base_url, address, certificates)


def _source_of_url(base_url: str | None) -> str:
    if base_url is not None:
        return "the option --base-url"
    return (
        f"the environment variable {BASE_URL_VARIABLE}"
        if os.environ.get(BASE_URL_VARIABLE)
        else "the default"
    )


def _unchecked(*checks: str, why: str) -> Iterator[Finding]:
    for check in checks:
        yield Finding(
            check, "warning", f"not checked: {why}", "solve the problem above, and run the command again"
        )


# --- versions


def _versions() -> Iterator[Finding]:
    """The versions of Python, this package, its dependencies and its extras."""
    versions = [f"Python {platform.python_version()}", f"{_DISTRIBUTION} {__version__}"]
    bad = list[str]()
    extras = dict[str, bool]()
    try:
        requirements = [_REQUIREMENT.match(each) for each in metadata.requires(_DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        yield Finding("versions", "ok", f"{', '.join(versions)}, on {sys.platform}; not installed by pip")
        return
    for match in filter(None, requirements):
        name, _, bounds, extra = match.groups()
        if name == _DISTRIBUTION or extra == "all":
            continue
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            if extra is None:
                bad.append(f"{name} is missing")
            else:
                extras[extra] = False
            continue
        if extra is None:
            versions.append(f"{name} {version}")
        else:
            extras.setdefault(extra, True)
        if not _fits(version, bounds):
            bad.append(f"{name} {version} isn't {bounds.strip()}")
    text = f"{', '.join(versions)}, on {sys.platform}"
    if bad:
        yield Finding(
            "versions", "problem", f"{text}; {'; '.join(bad)}", f"pip install --upgrade {_DISTRIBUTION}"
        )
    else:
        yield Finding("versions", "ok", text)
    there = [name for name, complete in extras.items() if complete]
    missing = [name for name, complete in extras.items() if not complete]
    text = f"installed: {', '.join(there) or 'none'}"
    if missing:
        text += f'; not installed: {", ".join(missing)} (pip install "{_DISTRIBUTION}[{",".join(missing)}]")'
    yield Finding("extras", "ok", text)


def _fits(version: str, bounds: str) -> bool:
    """Whether a version is within bounds such as `>=2.11,<3`."""

    def numbers(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", re.split(r"[^\d.]", text)[0])]

    found = numbers(version)
    return all(
        (found >= numbers(bound)) if operator == ">=" else (found < numbers(bound))
        for operator, bound in _BOUND.findall(bounds)
    )


# --- the way to the service


def _proxy(address: str) -> Finding:
    """The proxy on the way to the API: whether there is one, and whether it answers."""
    parts = urlsplit(address)
    proxy = proxies.proxy_for(address)
    if proxy is None:
        named = getproxies().keys() - {"no"}
        return Finding(
            "proxies", "ok", f"none for {parts.hostname}{', though some are set' if named else ''}"
        )
    where, named_by = proxies.shown(proxy), proxies.source(parts.scheme)
    advice = f"correct or unset it, or add {parts.hostname} to NO_PROXY if it can be reached directly"
    try:
        there = urlsplit(proxy)
        usual = _PORTS[there.scheme]
        host, port = there.hostname or "", there.port or usual
        socket.create_connection((host, port), _PATIENCE).close()
    except (ValueError, KeyError):
        return Finding("proxies", "problem", f"{named_by} doesn't hold the URL of a proxy", advice)
    except OSError as error:
        reason = error.strerror or str(error) or "no connection"
        return Finding("proxies", "problem", f"{where}, from {named_by}, doesn't answer: {reason}", advice)
    return Finding("proxies", "ok", f"{where}, from {named_by}")


def _certificates() -> Finding:
    """The authorities to trust: which variable counts, and whether its certificates can be loaded."""
    spare = [name for name in tls.CA_VARIABLES if os.environ.get(name)][1:]
    ignored = f"; ignored: {', '.join(spare)}" if spare else ""
    try:
        tls.default_tls()
    except (ConfigurationError, ConnectionFailedError) as error:
        return Finding("certificates", "problem", f"{error}{ignored}", "correct or unset the variable")
    except OSError as error:
        text = f"those of certifi can't be loaded: {error.strerror or error}"
        return Finding("certificates", "problem", text, "pip install --force-reinstall certifi")
    return Finding("certificates", "ok", f"trusted authorities are {tls.trusted_authorities()}{ignored}")


# --- the service


def _service(
    lookup: KeyLookup, base_url: str | None, address: str, certificates: Finding
) -> Iterator[Finding]:
    """What the service answers."""
    key = lookup.key if lookup.problem is None else _NO_KEY
    with (
        MusicAiClient(key, base_url=base_url, timeout=_PATIENCE, max_retries=1) as client,
        client.record() as exchanges,
    ):
        application: str | None = None
        error: MusicAiError | None = None
        try:
            application = client.application.get().name
        except MusicAiError as caught:
            error = caught
        yield _judged(certificates, error)
        yield _connection(address, exchanges, error)
        if not any(exchange.status for exchange in exchanges):
            yield _key_alone(lookup)
            yield from _unchecked("clock", "jobs", why="there is no connection")
            return
        yield _clock(exchanges)
        if lookup.problem is not None:
            yield _key_alone(lookup)
            yield from _unchecked("jobs", why="there is no key")
        elif isinstance(error, AuthenticationError | PermissionDeniedError):
            text = (
                f"the service refuses the key {masked(client.api_key)} from {lookup.origin}: {error.message}"
            )
            advice = f"create a key in the Music.AI dashboard for {address}, and store it: musicai login"
            yield Finding("key", "problem", text, advice)
            yield from _unchecked("jobs", why="the service refuses the key")
        else:
            jobs = _jobs(client)
            # Only an answer of the service shows that it accepts the key.
            proven = application is not None or jobs.level == "ok"
            owner = f", of the application {application}" if application else ""
            found = owner if proven else "; not checked: the service gave no answer that shows it"
            level: Level = "ok" if proven else "warning"
            yield Finding("key", level, f"{masked(client.api_key)} from {lookup.origin}{found}")
            yield jobs


def _checked(lookup: KeyLookup, base_url: str | None) -> KeyLookup:
    """The key, after the client's check of its form."""
    if lookup.problem is None:
        try:
            MusicAiClient(lookup.key, base_url=base_url).close()
        except ConfigurationError as error:
            text = str(error).replace("the argument api_key", lookup.origin or "")
            return KeyLookup(origin=lookup.origin, problem=text)
    return lookup


def _key_alone(lookup: KeyLookup) -> Finding:
    """The key as far as it is known without the service."""
    if lookup.problem is not None:
        return Finding(
            "key", "problem", lookup.problem, "store a key with `musicai login`, or set MUSIC_AI_API_KEY"
        )
    return Finding("key", "warning", f"from {lookup.origin}; not checked: there is no connection", "")


def _judged(certificates: Finding, error: MusicAiError | None) -> Finding:
    """The finding about certificates, after the handshake."""
    text = str(error)
    if not isinstance(error, ConnectionFailedError) or "CERTIFICATE_VERIFY_FAILED" not in text:
        return certificates
    match = _REASON.search(text)
    reason = match[1] if match else text
    advice = next(advice for words, advice in _CERTIFICATE_ADVICE.items() if words in f"{reason} certificate")
    return Finding(
        "certificates", "problem", f"the server's isn't accepted: {reason}; {certificates.text}", advice
    )


def _connection(address: str, exchanges: Sequence[Exchange], error: MusicAiError | None) -> Finding:
    answered = [exchange for exchange in exchanges if exchange.status]
    if answered and not isinstance(error, ConnectionFailedError):
        milliseconds = 1000 * min(exchange.elapsed for exchange in answered)
        return Finding("connection", "ok", f"{urlsplit(address).netloc} answers in {milliseconds:.0f} ms")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return next(_unchecked("connection", why="the server's certificate isn't accepted"))
    advice = "check the base URL, the network and its firewall; a company's network may need HTTPS_PROXY"
    return Finding("connection", "problem", str(error), advice)


def _clock(exchanges: Sequence[Exchange]) -> Finding:
    """Compares this machine's clock with the `Date` header of the newest answer."""
    now = time.time()
    last = [exchange for exchange in exchanges if exchange.status][-1]
    try:
        there = parsedate_to_datetime(last.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Finding("clock", "warning", "not checked: the service sent no valid Date header", "")
    ahead = now - there
    if abs(ahead) <= _TOLERATED + last.elapsed:
        return Finding("clock", "ok", f"within {_TOLERATED:.0f} s of the service's")
    difference = timedelta(seconds=round(abs(ahead)))
    text = f"this machine's is {difference} {'ahead of' if ahead > 0 else 'behind'} the service's"
    level: Level = "problem" if abs(ahead) > _HARMFUL else "warning"
    advice = "set the clock, by network time: valid certificates and URLs look expired otherwise"
    return Finding("clock", level, text, advice)


def _jobs(client: MusicAiClient) -> Finding:
    """Whether the key can list jobs."""
    try:
        newest = client.jobs.list().first()
    except NotFoundError as error:
        return Finding("jobs", "problem", str(error), "correct the base URL: it usually ends in /v1")
    except StatusError as error:
        busy = error.status == 429 or error.status >= 500
        moved = 300 <= error.status < 400
        advice = (
            "try again later"
            if busy
            else "correct the base URL, or the proxy that redirects"
            if moved
            else "ask the service's support"
        )
        return Finding("jobs", "problem", str(error), advice)
    except ConnectionFailedError as error:
        return Finding("jobs", "problem", str(error), "try again")
    except MusicAiError as error:
        advice = "check the base URL and the proxy: something other than the service may have answered"
        return Finding("jobs", "problem", str(error), advice)
    return Finding("jobs", "ok", f"can be listed{'' if newest else '; there are none yet'}")
