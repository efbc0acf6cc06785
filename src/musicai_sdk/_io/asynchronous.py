"""The asynchronous driver: the protocol on `httpx.AsyncClient` and asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any, TypeAlias, TypeVar, cast

import httpx

from musicai_sdk._io import alarm, clock, http, libraries, record, threads
from musicai_sdk._io.blocking import BlockingIO, framed, run_sync
from musicai_sdk._io.cancelling import Work
from musicai_sdk._io.gate import Lane
from musicai_sdk._io.pool import MAX_CONNECTIONS, Pool, warn_when_dropped
from musicai_sdk._io.protocol import IO, SHORT, Request, ResponseStream, Signal
from musicai_sdk.errors import ConfigurationError

T = TypeVar("T")
_Pool: TypeAlias = Pool[httpx.AsyncHTTPTransport, asyncio.Semaphore]

CANCEL_PATIENCE = 1.0
"""Seconds for which a cancelled transfer waits for its thread."""


class AsyncIO:
    """`IO` for the asynchronous client. It belongs to the event loop that uses it first."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, client: libraries.AsyncClient | None = None
    ) -> None:
        self._given: httpx.AsyncClient | None = http.check_given(client, "AsyncClient", tls)
        self._own_trust = tls is not None or client is not None
        self.pool: _Pool = Pool(httpx.AsyncHTTPTransport, tls, asyncio.Semaphore)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._until_its_end: AsyncGenerator[None] | None = None
        self._closed = False
        # More concurrent transfers would only wait for connections.
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._worker = BlockingIO(tls=tls, recorder=self)
        warn_when_dropped(self, self.pool, self._worker.pool)

    def _transport(self, request: Request) -> tuple[httpx.AsyncClient | httpx.AsyncHTTPTransport, str | None]:
        """Returns the transport for a request, and the URL of the proxy on its way."""
        if self._closed:
            raise ConfigurationError(
                "this client is closed: create a new one, or leave the `async with` block later"
            )
        self._stay_on_loop()
        if self._given is not None:
            return http.still_open(self._given), None
        return self.pool.transport(request)

    def _stay_on_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise ConfigurationError(
                    "this AsyncMusicAiClient belongs to another event loop: create a client in each asyncio.run(...)"
                )
            self._loop = loop
            self._until_its_end = _closing(self.pool)
            with suppress(StopIteration):
                # Runs to the `yield`, which registers the generator with the loop.
                self._until_its_end.__anext__().send(None)

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
                lane = await self._enter(request)
                response = await self._in_time(exchanging, partial(_answer, transport, request))
                if response is not None:
                    headers = http.headers_of(response)
                exchanging.bounds.answered()
        finally:
            if response is None:
                await self._end(lane, None)
            status = None if response is None else response.status_code
            record.note(self, request, clock.now() - started, status, headers)
        exchanging.check()
        assert response is not None  # otherwise `check` has raised
        ended = partial(self._end, lane, response)
        return _Stream(exchanging, response, headers, ended, self._in_time, decoded=request.channel == "api")

    async def _end(self, lane: Lane | None, response: httpx.Response | None) -> None:
        """Ends an exchange. If the client was closed meanwhile, its pool doesn't know the exchange's connection."""
        if lane is not None:
            lane.release()
        if self._closed and self._given is None:
            await _close_all(self.pool)
            if response is not None:
                await response.extensions["network_stream"].aclose()

    async def _enter(self, request: Request) -> Lane | None:
        """Waits for a place at the gate, if the request needs one. Returns its lane."""
        if request.channel != "api" or self._given is not None:
            return None
        lane = self.pool.gate.lane()
        longest = request.longest_wait
        if longest is None or not lane.locked():
            await lane.acquire()
        else:
            async with alarm.Limit(longest) as limit:
                await lane.acquire()
            if limit.late:
                raise httpx.PoolTimeout("")
        return lane

    async def _in_time(
        self, exchanging: http.ErrorTranslation, work: Callable[[], Coroutine[Any, Any, T]]
    ) -> T | None:
        """Waits for an answer. If its time is up, returns None, and `exchanging.check` raises the error.

        Usually `network` limits each wait. It can't limit the caller's transports, or a loop whose clock stands still.
        """
        assert self._loop is not None
        if self._given is None and alarm.is_real(self._loop):
            return await work()
        async with alarm.Limit(exchanging.bounds.left()):
            return await work()
        exchanging.timed_out()
        return None

    async def sleep(self, seconds: float) -> None:
        """Suspends the task."""
        await alarm.sleep(seconds)

    def now(self) -> float:
        """The time of the operating system's monotonic clock, see `clock`."""
        return clock.now()

    def began(self) -> float:
        """The time of `now()` at which this process began to use the package."""
        return clock.began()

    def signal(self) -> Signal:
        """A signal between tasks of the event loop."""
        self._stay_on_loop()
        return _Signal()

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """Runs the tasks in a task group behind a semaphore."""
        semaphore = asyncio.Semaphore(limit)

        async def bounded(task: Callable[[], Coroutine[Any, Any, T]]) -> T:
            async with semaphore:
                return await task()

        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(bounded(task)) for task in tasks]
        except BaseExceptionGroup as errors:
            failure = errors.exceptions[0]
        else:
            return [task.result() for task in running]
        raise failure  # outside the handler, because `from None` would remove the error's own cause

    async def transfer(self, work: Callable[[IO], Coroutine[Any, Any, T]]) -> T:
        """Runs the transfer with the blocking driver in one thread.

        In measurements, this takes less than half the CPU time of passing every chunk to a thread. With the caller's
        client, the transfer runs on the event loop, because only that client has the caller's proxy or certificates.
        """
        if self._given is not None:
            return await work(self)
        async with self._slots:
            job = Work()
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            function = partial(job.run, contextvars.copy_context(), lambda: run_sync(work(self._worker)))
            try:
                threads.run(partial(_run, function, loop, future))
            except RuntimeError:  # no more threads, or the interpreter is shutting down
                return await work(self)
            try:
                result: T = await asyncio.shield(future)
            except asyncio.CancelledError:
                # The thread stops at its next chunk, usually at once, and before a file gets its final name. If the
                # thread hangs, the cancellation still ends.
                job.cancel()
                # Retrieve the exception whenever it comes, or asyncio would report it as never retrieved.
                future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                await asyncio.wait({future}, timeout=CANCEL_PATIENCE)
                raise
            return result

    async def close(self) -> None:
        """Closes the connections, but not the caller's client.

        Connections of another event loop can't be closed here. `_closing` closes them at the end of their loop.
        """
        self._closed = True
        self._worker.pool.sockets.shut()  # a transfer may hang in its thread, and the loop's end would wait for it
        await self._worker.close()
        if self._loop is None:
            return
        if self._loop.is_closed():
            self.pool.transports.clear()
        elif self._loop is asyncio.get_running_loop():
            await _close_all(self.pool)
            if self._until_its_end is not None:
                await self._until_its_end.aclose()


async def _answer(
    transport: httpx.AsyncClient | httpx.AsyncHTTPTransport, request: Request
) -> httpx.Response:
    """Sends a request and reads the head of the answer."""
    if not isinstance(transport, httpx.AsyncHTTPTransport):
        built = http.build_with(transport, request)
        return await transport.send(built, **http.sending(transport, request))
    built = http.build(request)
    response = await transport.handle_async_request(built)
    response.request = built
    return response


async def _close_all(pool: _Pool) -> None:
    while pool.transports:
        await pool.transports.popitem()[1].aclose()


async def _closing(pool: _Pool) -> AsyncGenerator[None]:
    """Closes a client's connections at the end of its event loop.

    `asyncio.run` closes all async generators of its loop at the end. This generator uses that to close the connections.
    """
    try:
        yield
    finally:
        await _close_all(pool)


def _run(
    function: Callable[[], object], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]
) -> None:
    """Calls a function in this thread, and passes its result or error to the loop."""
    result, error = None, None
    try:
        result = function()
    except BaseException as caught:  # noqa: BLE001 - the waiting task raises it
        error = caught

    def settle() -> None:
        if not future.done():
            future.set_result(result) if error is None else future.set_exception(error)

    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(settle)


class _Signal:
    """A signal between tasks."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        async with alarm.Limit(inf if seconds is None else seconds):
            await self._event.wait()
        self._event.clear()


async def _decoded(
    chunks: AsyncIterator[bytes], decode: Callable[[bytes], Iterator[bytes]]
) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        for piece in decode(chunk):
            yield piece


class _Stream:
    """An answer whose body is being received."""

    def __init__(
        self,
        exchanging: http.ErrorTranslation,
        response: httpx.Response,
        headers: Mapping[str, str],
        ended: Callable[[], Coroutine[Any, Any, None]],
        in_time: Callable[
            [http.ErrorTranslation, Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]
        ],
        *,
        decoded: bool,
    ) -> None:
        self._in_time = in_time
        self._ended = ended
        self._closed = False
        self._over = False
        self.status = response.status_code
        self.headers = headers
        self.framed = framed(response, headers)
        self._exchanging = exchanging
        self._response = response
        stream = cast("httpx.AsyncByteStream", response.stream)
        self._chunks: AsyncIterator[bytes] = aiter(stream)
        if decoded and (decode := http.decoding(headers)) is not None:
            self._chunks = _decoded(self._chunks, decode)
        self._at_least = SHORT if decoded else 1

    async def read(self) -> bytes | memoryview:
        chunks = list[bytes]()
        if not self._over:
            self._exchanging.bounds.reading()
            with self._exchanging:
                await self._in_time(self._exchanging, partial(self._receive, chunks))
        if not chunks:
            self._exchanging.check()
        return b"".join(chunks)

    async def _receive(self, chunks: list[bytes]) -> None:
        size = 0
        async for chunk in self._chunks:
            chunks.append(chunk)
            size += len(chunk)
            if size >= self._at_least:
                return
        self._over = True

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._response.aclose()
        finally:
            await self._ended()
