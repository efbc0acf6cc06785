"""Records of HTTP exchanges, for `client.record()` and the log."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from typing_extensions import override

from musicai_sdk._io.protocol import Request
from musicai_sdk._text import printable, without_queries, without_query


class _Printable(logging.Filter):
    """Makes foreign texts in log lines, such as a service's message, safe for a terminal."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                printable(str(each)) if isinstance(each, str | BaseException) else each
                for each in record.args
            )
        return True


logger = logging.getLogger("musicai_sdk")
logger.addFilter(_Printable())

REQUEST_ID_HEADERS = ("x-request-id", "x-correlation-id", "x-cloud-trace-context", "cf-ray")
"""Headers with a request id. The service documents none, but front ends like the service's send these."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP attempt, without key, query and body."""

    method: str
    """The HTTP method."""
    url: str
    """The URL without its query."""
    status: int | None
    """The status, or None without an answer."""
    elapsed: float
    """Seconds from the request to the head of the answer."""
    attempt: int
    """The number of the attempt, from 1."""
    request_id: str | None = None
    """The request id of the answer, if it had one."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The answer's headers by lower-case name: those about credentials are left out, and URLs have no queries."""


_recordings: ContextVar[tuple[tuple[object, list[Exchange]], ...]] = ContextVar(
    "musicai_sdk_recordings", default=()
)


@contextmanager
def recording(owner: object) -> Generator[list[Exchange]]:
    """Collects the exchanges of `owner` in this context, including those in its transfer threads."""
    exchanges: list[Exchange] = []
    token = _recordings.set((*_recordings.get(), (owner, exchanges)))
    try:
        yield exchanges
    finally:
        _recordings.reset(token)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The request id among an answer's headers."""
    return next((headers[name] for name in REQUEST_ID_HEADERS if name in headers), None)


def note(
    owner: object, request: Request, elapsed: float, status: int | None, headers: Mapping[str, str]
) -> None:
    """Logs an exchange at DEBUG and adds it to the recordings of `owner`."""
    recordings = _recordings.get()
    if not recordings and not logger.isEnabledFor(logging.DEBUG):
        return
    hidden_in = request.secret.hidden_in if request.secret is not None else str
    headers = {
        name: without_queries(hidden_in(value))
        for name, value in headers.items()
        if not _CREDENTIALS.search(name)
    }
    exchange = Exchange(
        method=request.method,
        url=without_query(request.url),
        status=status,
        elapsed=elapsed,
        attempt=request.attempt,
        request_id=request_id(headers),
        headers=headers,
    )
    logger.debug(
        "%s %s -> %s in %.0f ms (attempt %d)",
        exchange.method,
        exchange.url,
        "no answer" if status is None else status,
        elapsed * 1000,
        request.attempt,
    )
    for recorder, exchanges in recordings:
        if recorder is owner:
            exchanges.append(exchange)


_CREDENTIALS = re.compile(r"auth|cookie|credential|secret|signature|token|\bkey\b")
"""In the names of headers: the value may be a secret, in whatever form."""
