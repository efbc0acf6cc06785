"""Many concurrent requests: few connections, no request waits forever, and polls aren't blocked."""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from musicai_sdk import AsyncMusicAiClient, CustomWorkflow, MusicAiClient
from musicai_sdk._io.cancelling import Work, WorkCancelled
from musicai_sdk._io.gate import POLLS, REQUESTS, ThreadLane
from musicai_sdk.errors import CreateTimeoutError
from support.answering import Asked, answering, finished_job, whole
from support.colours import Colour

PLACES = REQUESTS + POLLS
WORKFLOW = CustomWorkflow("any", {"inputUrl": "https://host/song.wav"})


class Service:
    """Answers after a moment. Requests for the workflows aren't answered before `go_on` is set."""

    def __init__(self) -> None:
        self.connections = set[socket.socket]()
        self.go_on = threading.Event()
        self.held = threading.Semaphore(0)
        """Counts the requests that are being held."""
        self.paths = list[str]()
        self.url = ""

    def answer(self, request: Asked, connection: socket.socket) -> None:
        self.connections.add(connection)
        self.paths.append(request.path)
        if request.path.startswith("/v1/workflow"):
            self.held.release()
            self.go_on.wait(60)
            connection.sendall(whole(b"[]"))
        elif request.path.startswith("/v1/job"):
            connection.sendall(finished_job({"song": "https://host/a.wav"}))
        else:
            time.sleep(0.01)
            connection.sendall(whole(b'{"id": "a", "name": "b"}'))

    def wait_until_full(self) -> None:
        for _ in range(REQUESTS):
            assert self.held.acquire(timeout=60)


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    with answering(service.answer) as origin:
        service.url = f"{origin}/v1"
        yield service
        service.go_on.set()


def together(pool: ThreadPoolExecutor, client: MusicAiClient, count: int) -> None:
    """Sends requests at once, and waits for all answers."""
    calls = [pool.submit(client.application.get) for _ in range(count)]
    assert all(call.result().id == "a" for call in calls)


def many(colour: Colour, service: Service, bursts: int) -> None:
    """Two hundred requests at once, once or more."""
    if colour == "sync":
        with MusicAiClient("k", base_url=service.url) as client, ThreadPoolExecutor(200) as pool:
            for _ in range(bursts):
                together(pool, client, 200)
        return

    async def main() -> None:
        async with AsyncMusicAiClient("k", base_url=service.url) as client:
            for _ in range(bursts):
                await asyncio.gather(*(client.application.get() for _ in range(200)))

    asyncio.run(main())


def test_many_requests_share_few_connections(colour: Colour, service: Service) -> None:
    many(colour, service, bursts=3)
    assert len(service.paths) == 600
    assert len(service.connections) <= REQUESTS


def blocked(
    colour: Colour, service: Service, then: Callable[[MusicAiClient, AsyncMusicAiClient], object]
) -> None:
    """Calls a function of both clients, of which the other is closed, while all places for requests are taken."""
    sync, other = MusicAiClient("k", base_url=service.url), AsyncMusicAiClient("k", base_url=service.url)
    if colour == "sync":
        with sync, ThreadPoolExecutor(REQUESTS) as pool:
            calls = [pool.submit(sync.workflows.list) for _ in range(REQUESTS)]
            service.wait_until_full()
            try:
                then(sync, other)
            finally:
                service.go_on.set()
            assert [call.result() for call in calls] == [[]] * REQUESTS
            many_more = [pool.submit(sync.application.get) for _ in range(2 * PLACES)]
            assert all(call.result() for call in many_more)
        return

    async def main() -> None:
        async with other:
            calls = [asyncio.create_task(other.workflows.list()) for _ in range(REQUESTS)]
            await asyncio.to_thread(service.wait_until_full)
            try:
                result = then(sync, other)
                if asyncio.iscoroutine(result):
                    await result
            finally:
                service.go_on.set()
            assert await asyncio.gather(*calls) == [[]] * REQUESTS
            assert all(await asyncio.gather(*(other.application.get() for _ in range(2 * PLACES))))

    asyncio.run(main())


def test_polls_have_their_own_places(colour: Colour, service: Service) -> None:
    def poll(sync: MusicAiClient, other: AsyncMusicAiClient) -> object:
        return sync.jobs.wait("j") if colour == "sync" else other.jobs.wait("j")

    blocked(colour, service, poll)
    assert "/v1/job/j/status" in service.paths


def test_the_wait_counts_against_the_deadline(colour: Colour, service: Service) -> None:
    def create(sync: MusicAiClient, other: AsyncMusicAiClient) -> object:
        if colour == "sync":
            with pytest.raises(CreateTimeoutError):
                sync.jobs.run(WORKFLOW, timeout=0.2)
            return None

        async def run() -> None:
            with pytest.raises(CreateTimeoutError):
                await other.jobs.run(WORKFLOW, timeout=0.2)

        return run()

    blocked(colour, service, create)
    assert "/v1/job" not in service.paths, "nothing was sent, so nothing is paid"


def test_a_cancelled_task_leaves_the_queue(service: Service) -> None:
    async def cancel(client: AsyncMusicAiClient) -> None:
        tasks = [asyncio.create_task(client.application.get()) for _ in range(10)]
        for each in tasks:
            await asyncio.sleep(0)
            each.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended)

    blocked("async", service, lambda _, client: cancel(client))


def test_a_given_client_keeps_its_own_limits(colour: Colour) -> None:
    """Twice as many requests at once as through the gate: each is answered when all have arrived."""
    count = 2 * PLACES
    all_there = threading.Barrier(count, timeout=60)

    def answer(_: Asked, connection: socket.socket) -> None:
        all_there.wait()
        connection.sendall(whole(b'{"id": "a", "name": "b"}'))

    limits = httpx.Limits(max_connections=count)
    with answering(answer) as origin:
        if colour == "sync":
            theirs = httpx.Client(limits=limits)
            client = MusicAiClient("k", base_url=f"{origin}/v1", http_client=theirs)
            with theirs, client, ThreadPoolExecutor(count) as pool:
                together(pool, client, count)
            return

        async def main() -> None:
            async with (
                httpx.AsyncClient(limits=limits) as theirs,
                AsyncMusicAiClient("k", base_url=f"{origin}/v1", http_client=theirs) as client,
            ):
                assert len(await asyncio.gather(*(client.application.get() for _ in range(count)))) == count

        asyncio.run(main())


FORKED = f"""
import os, sys, threading
from musicai_sdk import MusicAiClient

client = MusicAiClient("k", base_url=sys.argv[1])
for _ in range({REQUESTS}):
    threading.Thread(target=client.workflows.list, daemon=True).start()
sys.stdin.readline()
if os.fork() == 0:
    print(client.application.get().id, flush=True)
    os._exit(0)
os.wait()
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_its_own_places(service: Service) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORKED, service.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        service.wait_until_full()
        out, _ = child.communicate("\n", timeout=60)
    assert out == "a\n"


def test_threads_pass_in_order_of_arrival() -> None:
    lane, came = ThreadLane(1), list[int]()
    assert lane.acquire(None)

    def pass_through(number: int) -> None:
        assert lane.acquire(None)
        came.append(number)
        lane.release()

    threads = [threading.Thread(target=pass_through, args=[number]) for number in range(10)]
    for number, thread in enumerate(threads):
        thread.start()
        while len(lane._waiting) <= number:  # pyright: ignore[reportPrivateUsage]
            time.sleep(0.001)
    assert not lane.acquire(0.01)
    lane.release()
    for thread in threads:
        thread.join()
    assert came == list(range(10))
    assert not lane.locked()


def test_cancelled_work_in_a_thread_leaves_the_queue() -> None:
    lane, work, ended = ThreadLane(1), Work(), list[BaseException]()
    assert lane.acquire(None)

    def wait() -> None:
        try:
            work.run(contextvars.copy_context(), lambda: lane.acquire(None))
        except WorkCancelled as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    work.cancel()
    thread.join(60)
    assert len(ended) == 1
    lane.release()
    assert not lane.locked()
