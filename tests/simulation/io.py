"""The client's `IO` in simulated time, over a network that fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from musicai_sdk._io.protocol import IO, Request, ResponseStream, Signal
from musicai_sdk.errors import ConnectionFailedError, RequestTimeoutError
from simulation.service import Service
from simulation.world import Flag, Pause, World

T = TypeVar("T")

Fault: TypeAlias = Literal[
    "refused",  # no connection
    "reset",  # the connection breaks, and the service never saw the request
    "reset_acted",  # the connection breaks after the service acted
    "late",  # the client sees silence or a closed connection; a gateway delivers the request later
    "silence",  # the service acted, the answer never comes
    "503",
    "504_acted",  # a gateway that lost the answer
    "302",
    "302_acted",
    "429",
    "page",  # status 200 and a web page, after the service acted
    "cut",  # the answer breaks off midway
]
FAULTS: tuple[Fault, ...] = (
    *("refused", "reset", "reset_acted", "late", "silence", "503"),
    *("504_acted", "302", "302_acted", "429", "page", "cut"),
)
LATENCY = (0.01, 0.15)
"""The least and the most seconds for which a request or an answer travels."""
_JSON = {"content-type": "application/json"}
_HTML = b"<html>Please sign in</html>"


@dataclass(frozen=True)
class Network:
    """The faults of a network."""

    share: float = 0.0
    """The share of exchanges with a fault."""
    faults: tuple[Fault, ...] = FAULTS
    """The possible faults."""
    latest: float = 0.0
    """The most seconds until a sent request reaches the service, in addition to the latency."""


class Program(Protocol):
    """A program, as far as its driver needs it: a `Process`, or one with an event loop."""

    name: str
    world: World

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """As `IO.gather`."""
        ...


class SimulatedIO:
    """The driver of one simulated program.

    Args:
        process: The program.
        service: The service.
        network: The faults of the network.
        on_post: Called when a POST is about to be sent.
    """

    def __init__(
        self,
        process: Program,
        service: Service,
        network: Network,
        *,
        on_post: Callable[[], object] = lambda: None,
    ) -> None:
        self._process = process
        self._name = process.name
        self._world = process.world
        self._service = service
        self._network = network
        self._on_post = on_post

    async def open(self, request: Request) -> ResponseStream:
        """Sends a request. A sent request arrives even if the program is killed meanwhile."""
        if request.method == "POST":
            self._on_post()
        fault = self._fault(request)
        if self._world.trace is not None:
            self._world.note(self._name, f"{request.method} {request.url[9:]} {fault or ''}")
        going, coming = self._world.random.uniform(*LATENCY), self._world.random.uniform(*LATENCY)
        arrived, answers = Flag(), list[Answer]()

        def act() -> None:
            answers.append(self._act(request))
            arrived.raise_()

        if fault in ("refused", "reset", "503", "302", "429"):
            await self._pause(self._world.now + going + coming)
            return self._without_acting(fault)
        if fault == "late":
            self._world.at(self._world.now + going + self._world.random.uniform(0, self._network.latest), act)
            await self._left_alone(request)
        self._world.at(self._world.now + going, act)
        await self._pause(flag=arrived)
        if fault == "silence":
            await self._silence(request)
        await self._pause(self._world.now + coming)
        answer = answers[0]
        match fault:
            case "reset_acted":
                raise ConnectionFailedError("the connection broke", sent=True)
            case "504_acted":
                return Answer(504, _HTML)
            case "302_acted":
                return Answer(302, b"", {"location": "https://login.example/?next=secret"})
            case "page":
                return Answer(200, _HTML, {"content-type": "text/html"})
            case "cut":
                answer.cut = True
                return answer
            case _:
                return answer

    def _pause(self, until: float | None = None, flag: Flag | None = None) -> Awaitable[None]:
        """Suspends until a time, until a flag is raised, or whichever comes first."""
        return Pause(until, flag)

    def _act(self, request: Request) -> Answer:
        """Lets the service act on a request."""
        parts = urlsplit(request.url)
        path = parts.path.removeprefix("/v1")
        # Nothing here uploads, so every body is in memory.
        body = request.body if isinstance(request.body, bytes) else None
        status, answer = self._service.answer(self._name, request.method, path, parts.query, body)
        return Answer(status, answer, _JSON)

    def _fault(self, request: Request) -> Fault | None:
        if not self._world.chance(self._network.share):
            return None
        fault = self._world.random.choice(self._network.faults)
        if fault == "late" and not (self._network.latest and request.method == "POST"):
            return "silence"
        return fault

    def _without_acting(self, fault: Fault) -> Answer:
        match fault:
            case "refused":
                raise ConnectionFailedError("connection refused", sent=False)
            case "reset":
                raise ConnectionFailedError("the connection broke", sent=True)
            case "302":
                return Answer(302, b"", {"location": "https://login.example/?next=secret"})
            case "429":
                wait = str(self._world.random.randint(0, 3))
                return Answer(429, b'{"message": "slowly"}', {**_JSON, "retry-after": wait})
            case _:
                return Answer(503, _HTML)

    async def _left_alone(self, request: Request) -> None:
        if self._world.chance(0.5):
            await self._silence(request)
        await self._pause(self._world.now + self._world.random.uniform(*LATENCY))
        raise ConnectionFailedError("closed without an answer", sent=True)

    async def _silence(self, request: Request) -> None:
        assert request.timeout is not None
        await self._pause(self._world.now + request.timeout)
        raise RequestTimeoutError("silence", sent=True)

    async def sleep(self, seconds: float) -> None:
        """As the protocol says."""
        await self._pause(self._world.now + seconds)

    def now(self) -> float:
        """As the protocol says."""
        return self._world.now

    def signal(self) -> Signal:
        """As the protocol says."""
        return _Signal(self)

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """As the protocol says."""
        return await self._process.gather(tasks, limit)

    async def transfer(self, work: Callable[[IO], Coroutine[Any, Any, T]]) -> T:
        """As the protocol says."""
        return await work(self)

    async def close(self) -> None:
        """As the protocol says."""


class Answer:
    """An answer whose body comes in one piece, or breaks off."""

    def __init__(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, *, cut: bool = False
    ) -> None:
        self.status: int = status
        self.headers: Mapping[str, str] = headers or {}
        self.body = body
        self.framed: bool = True
        self.cut = cut

    async def read(self) -> bytes:
        """As the protocol says."""
        if self.cut:
            raise ConnectionFailedError("the answer broke off", sent=True)
        body, self.body = self.body, b""
        return body

    async def close(self) -> None:
        """As the protocol says."""


class _Signal:
    def __init__(self, io: SimulatedIO) -> None:
        self._io = io
        self._flag = Flag()

    def set(self) -> None:
        self._flag.raise_()

    async def wait(self, seconds: float | None) -> None:
        await Pause(None if seconds is None else self._io.now() + seconds, self._flag)
        self._flag = Flag()
