"""Waits for ten thousand jobs in simulated time and counts the requests.

All jobs exist when the waiting begins. The service starts them in order, a thousand a minute, and each takes about a
minute. An exchange takes 50 ms of the simulated time.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar

from answers import Api, Made
from measure import KEY, Counted

if TYPE_CHECKING:
    from musicai_sdk._io import IO, Request, ResponseStream, Signal
    from musicai_sdk.models import JobState

T = TypeVar("T")

ORIGIN = "http://127.0.0.1:9"
STARTED_A_SECOND = 1000 / 60
USUAL, SPREAD = 60.0, 0.5
"""The median of a job's seconds, and the standard deviation of their logarithm."""
LATENCY = 0.05


class Service:
    """The jobs, and the simulated time."""

    def __init__(self, count: int) -> None:
        self.now = 0.0
        self.api = Api(lambda: self.now, url="https://host/file")
        self.seen: dict[str, float] = {}
        """The times at which the end of a job was detected."""
        chance = random.Random(1)
        for number in range(count):
            starts = number / STARTED_A_SECOND
            ends = starts + chance.lognormvariate(math.log(USUAL), SPREAD)
            self.api.add(f"{number:08}-0000-4000-8000-000000000000", Made(0.0, starts, ends))

    def request(self, method: str, target: str) -> bytes:
        self.now += LATENCY
        return self.api.answer(method, target, b"", ORIGIN)

    def sleep(self, seconds: float | SupportsIndex) -> None:
        self.now += float(seconds)

    def figures(self) -> Counted:
        """The number of requests, and the average delay in seconds until the end of a job is detected."""
        assert len(self.seen) == len(self.api.made)
        late = [self.seen[job_id] - made.ends for job_id, made in self.api.made.items()]
        return Counted(requests=self.api.reset(), late=sum(late) / len(late))


def wait_for_each(service: Service, client: Any, threads: int | None = None) -> Counted:
    """The published client's loop, unmodified, for every job at the same time, or in that many threads.

    What happens in one loop has no effect on another, so that each can run alone from when its thread is free.
    """

    def status(job_id: str, **_: object) -> Mapping[str, str]:
        service.request("GET", f"/v1/job/{job_id}/status")
        return {"status": service.api.status(job_id)}

    def job(job_id: str, **_: object) -> None:
        service.request("GET", f"/v1/job/{job_id}")
        service.seen[job_id] = service.now

    client.get_job_status, client.get_job = status, job
    job_ids = list(service.api.made)
    free = [0.0] * (threads or len(job_ids))
    sleep, time.sleep = time.sleep, service.sleep
    try:
        for job_id in job_ids:
            service.now = heapq.heappop(free)
            client.wait_for_job_completion(job_id)
            heapq.heappush(free, service.now)
    finally:
        time.sleep = sleep
    return service.figures()


def wait_for_all(service: Service) -> Counted:
    """This package's `wait_all` on a driver for the simulated service."""
    from musicai_sdk._core.session import Session
    from musicai_sdk._core.settings import read_settings
    from musicai_sdk.resources import Jobs

    def saw(state: JobState) -> None:
        if state.done:
            service.seen[state.id] = service.now

    settings = read_settings(
        api_key=KEY,
        base_url=f"{ORIGIN}/v1",
        user_agent=None,
        timeout=60.0,
        max_retries=0,
        poll_interval=2.0,
        names_by_output=True,
        allow_http=False,
    )
    random.seed(1)  # for the jitter of pauses
    Jobs(Session(settings, SimulatedIO(service))).wait_all(
        list(service.api.made), timeout=None, on_update=saw
    )
    return service.figures()


class SimulatedIO:
    """The package's `IO` for the simulated service: sleeping advances the clock."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def open(self, request: Request) -> ResponseStream:
        return Answer(self._service.request(request.method, request.url.removeprefix(ORIGIN)))

    async def sleep(self, seconds: float) -> None:
        self._service.sleep(seconds)

    def now(self) -> float:
        return self._service.now

    def signal(self) -> Signal:
        return SimulatedSignal(self._service)

    async def gather(self, tasks: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int) -> list[T]:
        """Runs them one after the other, each from the time at which a slot was free."""
        free = [self._service.now] * limit
        results = list[T]()
        for task in tasks:
            self._service.now = heapq.heappop(free)
            results.append(await task())
            heapq.heappush(free, self._service.now)
        self._service.now = max(free)
        return results

    async def transfer(self, work: Callable[[IO], Coroutine[Any, Any, T]]) -> T:
        return await work(self)

    async def close(self) -> None:
        pass


class SimulatedSignal:
    """A signal that nobody sets during a wait."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    async def wait(self, seconds: float | None) -> None:
        if not self._is_set:
            assert seconds is not None, "it would sleep without end"
            self._service.sleep(seconds)
        self._is_set = False


class Answer:
    """An answer without delay."""

    def __init__(self, body: bytes) -> None:
        self.status = 200
        self.framed = True
        self.headers: Mapping[str, str] = {"content-type": "application/json"}
        self._body = body

    async def read(self) -> bytes:
        body, self._body = self._body, b""
        return body

    async def close(self) -> None:
        pass
