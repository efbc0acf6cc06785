"""What both drivers share of httpx: clients, bodies, errors. With its two neighbours the only importer of httpx."""

from __future__ import annotations

import logging
import os
import ssl
import warnings
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Generic, TypeVar

import httpx
from typing_extensions import override

from musicai_sdk._io.protocol import Body, Request
from musicai_sdk._text import without_query
from musicai_sdk.errors import ConfigurationError, ConnectionFailedError, MusicAiError, RequestTimeoutError

MAX_CONNECTIONS = 64
"""The size of each connection pool; concurrency is bounded below it."""


@cache
def default_tls() -> ssl.SSLContext:
    """The one TLS context of the process: loading the trusted certificates costs 15 ms, so it is shared and lazy."""
    return httpx.create_ssl_context()


def client_options(scheme: str, tls: ssl.SSLContext | None) -> dict[str, Any]:
    """The arguments of an httpx client for one URL scheme."""
    # A client for plain HTTP gets an empty trust store: cheap, and it fails closed should it ever meet TLS.
    verify = (tls or default_tls()) if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return {
        "verify": verify,
        "follow_redirects": False,
        "limits": httpx.Limits(
            max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS // 2
        ),
    }


C = TypeVar("C", httpx.Client, httpx.AsyncClient)


class Pool(Generic[C]):
    """The HTTP clients that one of ours has made, by channel and URL scheme."""

    def __init__(self) -> None:
        self.clients: dict[tuple[str, str], C] = {}
        self.pid: int = os.getpid()

    def __del__(self) -> None:
        if self.clients and self.pid == os.getpid():
            text = "a Music.AI client was left open: use it in a `with` block, or close it"
            warnings.warn(text, ResourceWarning, stacklevel=2, source=self)


class _DualStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body for either colour of client. Every iteration starts at the beginning, so the request can be repeated."""

    def __init__(self, body: Body) -> None:
        self.body = body

    @override
    def __iter__(self) -> Iterator[bytes]:
        return self.body.chunks()

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        import asyncio  # only here: the synchronous client does without

        chunks = self.body.chunks()
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield chunk


def build(client: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    """The httpx form of a request; a streamed body is set afterwards because `content=` would make it one-coloured."""
    headers = dict(request.headers)
    body = request.body
    if body is not None:
        headers["Content-Length"] = str(len(body) if isinstance(body, bytes) else body.size)
    with translated(request):
        built = client.build_request(
            request.method,
            request.url,
            headers=headers,
            content=body if isinstance(body, bytes) else None,
            timeout=timeout(request.timeout),
        )
    if body is not None and not isinstance(body, bytes):
        built.stream = _DualStream(body)
    return built


def timeout(seconds: float | None) -> httpx.Timeout:
    """Connecting has to be quick whatever the exchange may take; waiting for a free connection has no limit."""
    return httpx.Timeout(seconds, connect=min(seconds or 10.0, 10.0), pool=None)


@contextmanager
def translated(request: Request) -> Generator[None]:
    """Turns the errors of httpx into ours, without its request objects and without any URL's query."""
    where = f"{request.method} {without_query(request.url)}"
    try:
        yield
    except MusicAiError:
        raise
    except (httpx.ConnectTimeout, httpx.PoolTimeout):
        raise RequestTimeoutError(f"{where}: no connection in time", sent=False) from None
    except httpx.TimeoutException:
        text = (
            f"{where}: no answer within {request.timeout:g} s" if request.timeout else f"{where}: timed out"
        )
        raise RequestTimeoutError(text, sent=True) from None
    except (httpx.ConnectError, httpx.ProxyError) as error:
        raise ConnectionFailedError(f"{where}: can't connect: {_reason(error)}", sent=False) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise ConfigurationError(f"{where}: not a request that can be sent: {type(error).__name__}") from None
    except httpx.HTTPError as error:
        raise ConnectionFailedError(f"{where}: the connection broke: {_reason(error)}", sent=True) from None


def _reason(error: Exception) -> str:
    """What httpx says of its own failures; these texts name hosts and numbers of bytes, not URLs or headers."""
    return str(error) or type(error).__name__


_ours: ContextVar[bool] = ContextVar("musicai_sdk_sending", default=False)


class _HideQueries(logging.Filter):
    """httpx logs every URL whole, at INFO; in requests of this package the query (signatures) is taken out."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if _ours.get() and isinstance(record.args, tuple):
            record.args = tuple(
                without_query(str(value)) if isinstance(value, httpx.URL) else value for value in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_HideQueries())


@contextmanager
def exchanging(request: Request) -> Generator[None]:
    """Around every use of httpx: errors translated, its log redacted."""
    token = _ours.set(True)
    try:
        with translated(request):
            yield
    finally:
        _ours.reset(token)
