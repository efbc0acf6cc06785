"""The protocol between the logic and the drivers, with plain values instead of an HTTP library's objects."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from typing_extensions import override

from musicai_sdk._io.secret import Secret
from musicai_sdk._text import without_queries, without_query
from musicai_sdk.errors import ConnectionFailedError, ResponseError

T = TypeVar("T")

Channel: TypeAlias = Literal["api", "storage"]
"""The receiver of a request: the API, which gets the key, or a storage, which never gets it."""


class Body(Protocol):
    """A request body that can be sent again."""

    size: int
    """The length in bytes, sent as `Content-Length`."""

    def chunks(self) -> Iterator[bytes]:
        """Yields the bytes. Every call starts over. Raises an error if the source no longer has `size` bytes."""
        ...

    def broke(self) -> None:
        """Notes that the connection didn't take a part of the request. The server may have answered nevertheless."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One HTTP request."""

    channel: Channel
    method: str
    url: str
    """The absolute URL, including the query."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | Body | None = None
    timeout: float | None = None
    """Seconds for the exchange, see `musicai_sdk._io.bounds`; None for no limit."""
    connect_timeout: float | None = None
    """Seconds for connecting, in addition to `timeout`; None for the default."""
    attempt: int = 1
    """The number of the attempt, from 1."""
    secret: Secret | None = None
    """The key for the `Authorization` header, which is never in `headers`."""
    left: float | None = None
    """Seconds until the caller's deadline; None for no deadline."""
    wait: float | None = None
    """Seconds to wait for a free connection; `left` by default. A paid POST is only limited until it's sent."""

    @property
    def longest_wait(self) -> float | None:
        """Seconds to wait for a free connection; None for no limit."""
        return self.left if self.wait is None else self.wait

    @override
    def __repr__(self) -> str:
        return f"Request({self.method} {without_query(self.url)})"


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """A complete answer. Its `repr` quotes nothing: most errors have one among the local variables of their frames."""

    status: int
    headers: Mapping[str, str]
    """The headers by lower-case name."""
    body: bytes

    @override
    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body):,} bytes)"


class ResponseStream(Protocol):
    """An answer whose body is being received."""

    status: int
    headers: Mapping[str, str]
    framed: bool
    """Whether the protocol marks the end of the body, by a length or a last chunk, so that `read` detects truncation.
    Otherwise the body ends when the connection ends, for whatever reason."""

    async def read(self) -> bytes | memoryview:
        """The next bytes of the body, valid until the next call; empty at the end.

        Answers of the API are decoded, and small ones are returned as a whole. Answers of a storage keep the coding that
        `Content-Encoding` names.
        """
        ...

    async def close(self) -> None:
        """Releases the connection. May be called more than once."""
        ...


class Signal(Protocol):
    """A flag that wakes a waiter."""

    def set(self) -> None:
        """Wakes the current or the next waiter."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Waits until the signal is set or the time is up, then clears the signal. None for no limit."""
        ...


class IO(Protocol):
    """A driver. `AsyncIO` suspends; `BlockingIO` implements the same coroutines without ever suspending."""

    async def open(self, request: Request) -> ResponseStream:
        """Sends a request and reads the head of the answer.

        Raises:
            ConnectionFailedError: no answer arrived. The error's `sent` says whether the server may have received the
                request.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits for a time in seconds."""
        ...

    def now(self) -> float:
        """The time of a monotonic clock, in seconds."""
        ...

    def signal(self) -> Signal:
        """A signal between the users of this driver: threads, or tasks of its event loop."""
        ...

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """Runs all tasks, at most `limit` at once.

        After the first error, starts no further tasks, and raises that error.
        """
        ...

    async def transfer(self, work: Callable[[IO], Coroutine[Any, Any, T]]) -> T:
        """Runs work that transfers a file, where it doesn't block other tasks."""
        ...

    async def close(self) -> None:
        """Closes the driver's connections. May be called more than once."""
        ...


SHORT = 64 * 1024
"""The most bytes to read for the sole purpose of reusing the connection."""
ANSWER_KEPT = 10_000
"""The most bytes of an answer to keep in an error."""
LARGEST_ANSWER = 16 * 1024 * 1024
"""The most decoded bytes of an answer. A page of 1,000 jobs has 2 to 4 MB."""


async def send(io: IO, request: Request) -> Response:
    """Sends a request and reads the whole answer, or the beginning of a large error answer.

    Raises:
        ConnectionFailedError: as `IO.open`.
        ResponseError: the answer is larger than `LARGEST_ANSWER`.
    """
    return await whole(await io.open(request), request)


async def rest(stream: ResponseStream) -> bytes:
    """Reads the rest of an answer, up to `SHORT` bytes or a broken connection, and closes the answer."""
    body = bytearray()
    try:
        with suppress(ConnectionFailedError):
            while len(body) < SHORT and (chunk := await stream.read()):
                body += chunk
    finally:
        await stream.close()
    return bytes(body)


async def whole(stream: ResponseStream, request: Request) -> Response:
    """Reads an answer as `send` does."""
    body = bytearray()
    try:
        while len(body) <= LARGEST_ANSWER and (chunk := await stream.read()):
            body += chunk
    finally:
        await stream.close()
    if len(body) > LARGEST_ANSWER and 200 <= stream.status < 300:
        raise ResponseError(
            f"{request.method} {without_query(request.url)} answered {stream.status} with more than"
            f" {LARGEST_ANSWER // 1024**2} MB, which isn't an answer of the API: check the base URL and proxies",
            body=without_queries(bytes(body[:ANSWER_KEPT]).decode("utf-8", "replace")),
        )
    return Response(stream.status, stream.headers, bytes(body[:LARGEST_ANSWER]))
