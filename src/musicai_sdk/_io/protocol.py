"""What the logic needs of the outside world: a tiny protocol, and plain values instead of an HTTP library's objects."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

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


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request."""

    channel: Channel
    method: str
    url: str
    """Absolute, query included."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes | Body | None = field(default=None, repr=False)
    timeout: float | None = None
    """Seconds of silence after which the exchange is given up; None waits for ever."""
    attempt: int = 1
    """Which try this is, counted from 1."""


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


async def send(io: IO, request: Request) -> Response:
    """Sends a request and reads the whole answer; raises as `IO.open`."""
    stream = await io.open(request)
    body = bytearray()
    try:
        while chunk := await stream.read():
            body += chunk
    finally:
        await stream.close()
    return Response(stream.status, stream.headers, bytes(body))
