"""What the logic needs of the outside world: a tiny protocol, and plain values instead of an HTTP library's objects."""

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
"""Which of the two HTTP clients: the one that may carry the key, or the one that never does."""


class Body(Protocol):
    """A request body that can be sent again."""

    size: int
    """Its length in bytes, sent as `Content-Length`."""

    def chunks(self) -> Iterator[bytes]:
        """The bytes from the start; every call begins anew. Raises when the source no longer has `size` bytes."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One HTTP request."""

    channel: Channel
    method: str
    url: str
    """Absolute, query included."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | Body | None = None
    timeout: float | None = None
    """Seconds after which the exchange is given up, see `musicai_sdk._io.bounds`; None waits for ever."""
    connect_timeout: float | None = None
    """Seconds for connecting, in addition to `timeout`; None for the default."""
    attempt: int = 1
    """Which try this is, counted from 1."""
    secret: Secret | None = None
    """The key that goes into the `Authorization` header: there is no other place for it."""
    left: float | None = None
    """Seconds after which the exchange is given up in any case; None for no such limit."""

    @override
    def __repr__(self) -> str:
        return f"Request({self.method} {without_query(self.url)})"


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


class ResponseStream(Protocol):
    """An answer whose body is still on its way."""

    status: int
    headers: Mapping[str, str]
    framed: bool
    """Whether the protocol marks the body's end, by a length or a last chunk, so that a cut is an error of `read`.
    Otherwise the body ends with the connection, whatever ended that."""

    async def read(self) -> bytes | memoryview:
        """The next bytes of the body, as they arrive, to be used before the next call; empty at the end.

        Decoded if the answer is the API's; of the storage's as they are sent, see `Content-Encoding`.
        """
        ...

    async def close(self) -> None:
        """Gives the connection back. Can be called more than once."""
        ...


class Signal(Protocol):
    """Wakes somebody who sleeps."""

    def set(self) -> None:
        """Wakes whoever waits, or else the next one who would."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Sleeps until the signal is set, but not longer; it is unset then. None sleeps without end."""
        ...


class IO(Protocol):
    """The outside world. `AsyncIO` suspends; `BlockingIO` implements the same coroutines without ever suspending."""

    async def open(self, request: Request) -> ResponseStream:
        """Sends a request and reads the head of the answer.

        Raises:
            ConnectionFailedError: no answer; its `sent` says whether the server may have seen the request.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...

    def now(self) -> float:
        """A monotonic clock, in seconds."""
        ...

    def signal(self) -> Signal:
        """A signal for those who use this driver: between threads, or between the tasks of its event loop."""
        ...

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """Runs all tasks, at most `limit` at once; the first error is raised, and what hasn't begun doesn't begin."""
        ...

    async def transfer(self, work: Callable[[IO], Coroutine[Any, Any, T]]) -> T:
        """Runs work that moves a whole file, where it disturbs nothing else."""
        ...

    async def close(self) -> None:
        """Closes the connections that were opened here. Can be called more than once."""
        ...


SHORT = 64 * 1024
"""Bytes that it is worth to read so that a connection can be used again."""
ANSWER_KEPT = 10_000
"""Bytes of an answer that its error keeps."""
LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer's body, decoded, beyond which it isn't read into memory. A page of 1,000 jobs has 2 to 4 MB."""


async def send(io: IO, request: Request) -> Response:
    """Sends a request and reads the whole answer; of what an error says, the beginning is enough.

    Raises:
        ConnectionFailedError: as `IO.open`.
        ResponseError: the answer is larger than `LARGEST_ANSWER`.
    """
    return await whole(await io.open(request), request)


async def rest(stream: ResponseStream) -> bytes:
    """Reads what is left of a short answer, and closes it; of a long one, or one that breaks off, the beginning."""
    body = bytearray()
    try:
        with suppress(ConnectionFailedError):
            while len(body) < SHORT and (chunk := await stream.read()):
                body += chunk
    finally:
        await stream.close()
    return bytes(body)


async def whole(stream: ResponseStream, request: Request) -> Response:
    """The rest of `send`, of an answer that has begun."""
    body = bytearray()
    try:
        while len(body) <= LARGEST_ANSWER and (chunk := await stream.read()):
            body += chunk
    finally:
        await stream.close()
    if len(body) > LARGEST_ANSWER and 200 <= stream.status < 300:
        raise ResponseError(
            f"{request.method} {without_query(request.url)} answered {stream.status} with more than"
            f" {LARGEST_ANSWER // 1024**2} MB, which is no answer of the API: look at the base URL, and at what is in"
            f" between",
            body=without_queries(bytes(body[:ANSWER_KEPT]).decode("utf-8", "replace")),
        )
    return Response(stream.status, stream.headers, bytes(body[:LARGEST_ANSWER]))
