"""The blocking driver: coroutines on httpx's blocking transports, which never suspend."""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar, cast

import httpx

from musicai_sdk._io import cancelling, clock, http, libraries, record
from musicai_sdk._io.gate import Lane, ThreadLane
from musicai_sdk._io.pool import Pool, warn_when_dropped
from musicai_sdk._io.protocol import IO, SHORT, Request, ResponseStream, Signal
from musicai_sdk.errors import ConfigurationError

T = TypeVar("T")

DIRECT_DIGITS = 7
"""The fewest digits of a length for which a body may be read directly, see `direct`."""


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that never suspends, without an event loop or a thread.

    Also works inside a running event loop.
    """
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    work.close()
    raise RuntimeError("a coroutine suspended on the blocking driver: it awaits something other than its IO")


def run_sync_each(items: AsyncIterator[T]) -> Iterator[T]:
    """Iterates over an asynchronous iterator that never suspends."""
    while True:
        try:
            item = run_sync(cast("Coroutine[Any, Any, T]", anext(items)))
        except StopAsyncIteration:
            return
        yield item


class BlockingIO:
    """`IO` for the synchronous client. Threads can share it; a forked child gets its own connections."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        client: libraries.Client | None = None,
        recorder: object | None = None,
    ) -> None:
        self._given: httpx.Client | None = http.check_given(client, "Client", tls)
        self._own_trust = tls is not None or client is not None
        self.pool: Pool[httpx.HTTPTransport, ThreadLane] = Pool(httpx.HTTPTransport, tls, ThreadLane)
        if recorder is None:
            warn_when_dropped(self, self.pool)
        self._closed = False
        self.recorder: object = recorder or self
        """The owner of the recorded exchanges."""

    def _transport(self, request: Request) -> tuple[httpx.Client | httpx.HTTPTransport, str | None]:
        """Returns the transport for a request, and the URL of the proxy on its way."""
        if self._closed:
            raise ConfigurationError(
                "this client is closed: create a new one, or leave the `with` block later"
            )
        cancelling.check()
        if self._given is not None:
            return http.still_open(self._given), None
        if self.pool.pid != os.getpid():
            self.pool.leave_to_parent()
        return self.pool.transport(request)

    async def open(self, request: Request) -> ResponseStream:
        """Sends a request and reads the head of the answer."""
        transport, proxy = self._transport(request)
        exchanging = http.ErrorTranslation(request, proxy=proxy, own_trust=self._own_trust)
        started = clock.now()
        headers: Mapping[str, str] = {}
        response: httpx.Response | None = None
        lane: Lane | None = None
        try:
            with exchanging:
                if not isinstance(transport, httpx.HTTPTransport):
                    built = http.build_with(transport, request)
                    response = transport.send(built, **http.sending(transport, request))
                else:
                    lane = self._enter(request)
                    built = http.build(request)
                    response = transport.handle_request(built)
                    response.request = built
                headers = http.headers_of(response)
                exchanging.bounds.answered()
        finally:
            if response is None:
                self._end(lane, None)
            status = None if response is None else response.status_code
            record.note(self.recorder, request, clock.now() - started, status, headers)
        exchanging.check()
        assert response is not None  # otherwise `check` has raised
        ended = partial(self._end, lane, response)
        return _Stream(exchanging, response, headers, ended, decoded=request.channel == "api")

    def _end(self, lane: Lane | None, response: httpx.Response | None) -> None:
        """Ends an exchange. If the client was closed meanwhile, its pool doesn't know the exchange's connection."""
        if lane is not None:
            lane.release()
        if self._closed and self._given is None:
            self._close_all()
            if response is not None:
                response.extensions["network_stream"].close()

    def _enter(self, request: Request) -> Lane | None:
        """Waits for a place at the gate, if the request needs one. Returns its lane."""
        if request.channel != "api":
            return None
        lane = self.pool.gate.lane()
        if not lane.acquire(request.longest_wait):
            raise httpx.PoolTimeout("")
        return lane

    async def sleep(self, seconds: float) -> None:
        """Blocks the thread."""
        work = cancelling.current()
        if work is None:
            clock.wait_in_slices(time.sleep, seconds)
        else:
            work.sleep(seconds)

    def now(self) -> float:
        """The time of the operating system's monotonic clock, see `clock`."""
        return clock.now()

    def began(self) -> float:
        """The time of `now()` at which this process began to use the package."""
        return clock.began()

    def signal(self) -> Signal:
        """A signal between threads."""
        return _Signal()

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """Runs the tasks in up to `limit` threads."""
        if len(tasks) <= 1 or limit <= 1:
            return [run_sync(task()) for task in tasks]

        from musicai_sdk._io.threads import run_all  # here: a single task doesn't need it

        return run_all([partial(_driven, task) for task in tasks], limit)

    async def transfer(self, work: Callable[[IO], Coroutine[Any, Any, T]]) -> T:
        """Runs the work in this thread."""
        return await work(self)

    async def close(self) -> None:
        """Closes the connections, but not the caller's client."""
        self._closed = True
        self._close_all()

    def _close_all(self) -> None:
        while self.pool.transports:
            self.pool.transports.popitem()[1].close()


def _driven(task: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return run_sync(task())


def framed(response: httpx.Response, headers: Mapping[str, str]) -> bool:
    """Whether the protocol marks the end of a body, see `ResponseStream.framed`."""
    return (
        "content-length" in headers
        or "chunked" in headers.get("transfer-encoding", "").lower()
        or response.extensions.get("http_version") == b"HTTP/2"
    )


class _Signal:
    """A signal between threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        clock.wait_in_slices(self._event.wait, seconds)
        # No news is lost, because it is written before the signal is set.
        self._event.clear()


class _Stream:
    """An answer whose body is being received."""

    def __init__(
        self,
        exchanging: http.ErrorTranslation,
        response: httpx.Response,
        headers: Mapping[str, str],
        ended: Callable[[], None],
        *,
        decoded: bool,
    ) -> None:
        self.status = response.status_code
        self.headers = headers
        self.framed = framed(response, headers)
        self._exchanging = exchanging
        self._response = response
        self._ended = ended
        self._closed = False
        self._over = False
        self._work = cancelling.current()
        if self._work is not None and (network := response.extensions.get("network_stream")) is not None:
            self._work.uses(network.get_extra_info("socket"))
        stream = cast("httpx.SyncByteStream", response.stream)
        chunks = iter(stream)
        self._chunks: Iterator[bytes | memoryview] = chunks
        if decoded and (decode := http.decoding(headers)) is not None:
            self._chunks = chain.from_iterable(map(decode, chunks))
        self._at_least = SHORT if decoded else 1
        if len(headers.get("content-length", "")) >= DIRECT_DIGITS:
            from musicai_sdk._io.direct import direct_body  # here: small answers don't need it

            direct = direct_body(response, headers, iter(stream))
            if direct is not None:
                self._chunks, self._at_least = iter(direct.read, b""), 1

    async def read(self) -> bytes | memoryview:
        chunks = list[bytes | memoryview]()
        if not self._over:
            self._exchanging.bounds.reading()
            with self._exchanging:
                self._receive(chunks)
        if not chunks:
            self._exchanging.check()
        if self._work is not None:
            self._work.check()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _receive(self, chunks: list[bytes | memoryview]) -> None:
        size = 0
        for chunk in self._chunks:
            chunks.append(chunk)
            size += len(chunk)
            if size >= self._at_least:
                return
        self._over = True

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._work is not None:
            self._work.uses(None)
        try:
            self._response.close()
        finally:
            self._ended()
