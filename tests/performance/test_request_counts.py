"""The numbers of requests, which are the same in every run and must not grow unnoticed."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typing_extensions import override

from conftest import Connect
from musicai_sdk import CustomWorkflow, Job, MusicAiClient
from musicai_sdk._io import BlockingIO, Signal
from musicai_sdk.models import JobState, RawResult
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.sandbox.clock import Clock
from musicai_sdk.sandbox.engine.task import Output, Task
from support.colours import Colour

SCALE = int(os.environ.get("MUSICAI_TEST_SCALE", "1"))
ECHO = CustomWorkflow("acme/echo", {})


class SandboxTime(BlockingIO):
    """The sandbox's clock for the client too: each wait advances it. For a single thread."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    @override
    def now(self) -> float:
        return self._clock.now()

    @override
    async def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)

    @override
    def signal(self) -> Signal:
        io = self

        class Alone:
            def set(self) -> None:
                """Does nothing, because there is no other waiter."""

            async def wait(self, seconds: float | None) -> None:
                assert seconds is not None, "it would never wake up"
                await io.sleep(seconds)

        return Alone()


@pytest.fixture(scope="module")
def large_plan() -> Iterator[Sandbox]:
    def echo(task: Task) -> dict[str, Output]:
        return {"params": dict(task.params)}

    with Sandbox(plan=500 * SCALE, workflows={"acme/echo": echo, "acme/other": echo}) as sandbox:
        yield sandbox


@pytest.fixture
def roomy(large_plan: Sandbox) -> Iterator[Sandbox]:
    """A sandbox whose plan runs every job at once."""
    yield large_plan
    large_plan.reset()


@pytest.fixture
def timeless(roomy: Sandbox) -> Iterator[MusicAiClient]:
    """A client whose waits take no real time."""
    with roomy.client() as client:
        client._session.io = SandboxTime(roomy.clock)  # pyright: ignore[reportPrivateUsage]
        yield client


def asked(sandbox: Sandbox, since: int = 0) -> dict[str, int]:
    """The number of the client's requests by operation, without the service's own requests to its storage."""

    def name(path: str) -> str:
        if path.startswith("/v1/job/"):
            return "status" if path.endswith("/status") else "job"
        return {"/v1/job": "jobs", "/v1/upload": "upload"}.get(path, "storage")

    own = [entry for entry in sandbox.requests[since:] if "Music.AI" in entry.headers.get("user-agent", "")]
    return dict(Counter(f"{entry.method} {name(entry.path)}" for entry in own))


def create_many(client: MusicAiClient, count: int, workflow: CustomWorkflow = ECHO) -> list[str]:
    with ThreadPoolExecutor(8) as pool:
        return [created.id for created in pool.map(client.jobs.create, [workflow] * count)]


def test_one_job_from_the_file_to_its_results(
    client: MusicAiClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.transition = "polls:1"
    (tmp_path / "song.wav").write_bytes(b"RIFF")
    uploaded = client.files.upload(tmp_path / "song.wav")
    assert asked(sandbox) == {"GET upload": 1, "PUT storage": 1}
    created = client.jobs.create(CustomWorkflow("sdk-test", {"file": uploaded}))
    before = len(sandbox.requests)
    job = client.jobs.wait(created)
    assert asked(sandbox, before) == {"GET status": 2, "GET job": 1}
    before = len(sandbox.requests)
    client.jobs.download(job, tmp_path / "out")
    assert asked(sandbox, before) == {"GET storage": 1}
    client.jobs.delete(job)
    assert sum(entry.path.startswith("/v1") for entry in sandbox.requests) == 6


def test_one_wait_alone_asks_for_the_status(connect: Connect, sandbox: Sandbox) -> None:
    client = connect(job_monitor_interval=0.05)
    sandbox.transition = "polls:5"
    created = client.jobs.create(CustomWorkflow("sdk-test", {"file": client.files.upload(b"any")}))
    before = len(sandbox.requests)
    client.jobs.wait(created)
    assert asked(sandbox, before) == {"GET status": 6, "GET job": 1}


def test_five_hundred_jobs_in_parallel(timeless: MusicAiClient, roomy: Sandbox) -> None:
    roomy.transition = "after:1"
    jobs = timeless.jobs.wait_all(create_many(timeless, 500))
    assert all(job.succeeded for job in jobs)
    requests = asked(roomy)
    assert requests["POST jobs"] == 500
    assert len(roomy.requests) <= 530, requests


def test_many_jobs_of_a_known_workflow(timeless: MusicAiClient, roomy: Sandbox) -> None:
    """Jobs of 30 s: first polled after 80 % of that time, a hundred with one request."""
    roomy.transition = "after:30"
    timeless.jobs.run(ECHO)
    count = 300 * SCALE
    created = create_many(timeless, count)
    before = len(roomy.requests)
    assert all(job.succeeded for job in timeless.jobs.wait_all(created))
    requests = asked(roomy, before)
    assert requests.keys() <= {"GET jobs", "GET status", "GET job"}
    # The number of polls depends on how long the creation took. One by one, each job would need eight requests.
    assert requests["GET jobs"] <= count / 4
    assert requests.get("GET status", 0) <= 20


def test_a_known_workflow_costs_few_looks(timeless: MusicAiClient, roomy: Sandbox) -> None:
    roomy.transition = "after:30"
    looks = list[int]()
    for _ in range(2):
        before, began = len(roomy.requests), roomy.clock.now()
        timeless.jobs.run(ECHO)
        looks.append(asked(roomy, before)["GET status"])
        assert roomy.clock.now() - began < 1.2 * 30
    assert looks[0] >= 12
    assert looks[1] <= 8
    # A caller that wants every status gets it as early as before.
    states = list[JobState]()
    timeless.jobs.run(ECHO, on_update=states.append)
    assert [state.status for state in states] == ["STARTED", "SUCCEEDED"]
    # Another workflow has its own durations.
    before = len(roomy.requests)
    timeless.jobs.run(CustomWorkflow("acme/other", {}))
    assert asked(roomy, before)["GET status"] >= 12


def test_a_workflow_that_became_quick_or_fails_is_found_out(timeless: MusicAiClient, roomy: Sandbox) -> None:
    roomy.transition = "after:100"
    timeless.jobs.run(ECHO)
    roomy.transition = "after:1"
    for most in (36, 6):  # at most half a minute late once, and then in time
        began = roomy.clock.now()
        timeless.jobs.run(ECHO)
        assert roomy.clock.now() - began < most


def test_a_deadline_comes_before_a_late_first_look(timeless: MusicAiClient, roomy: Sandbox) -> None:
    roomy.transition = "after:100"
    timeless.jobs.run(ECHO)
    roomy.transition = "after:4"
    before = len(roomy.requests)
    assert timeless.jobs.run(ECHO, timeout=5).succeeded
    assert asked(roomy, before) == {"POST jobs": 1, "GET status": 1, "GET job": 1}


def test_a_hundred_waits_at_once_ask_for_pages(colour: Colour, roomy: Sandbox) -> None:
    roomy.transition = "polls:2"
    if colour == "sync":
        with roomy.client() as client, ThreadPoolExecutor(100) as pool:
            created = create_many(client, 100)
            before = len(roomy.requests)
            jobs = list(pool.map(client.jobs.wait, created))
    else:

        async def main() -> list[Job[RawResult]]:
            async with roomy.async_client() as client:
                return list(await asyncio.gather(*map(client.jobs.wait, created)))

        with roomy.client() as client:
            created = create_many(client, 100)
        before = len(roomy.requests)
        jobs = asyncio.run(main())
    assert [job.id for job in jobs] == created
    assert all(job.succeeded for job in jobs)
    # One request per poll, and a status request for a wait that begins or ends alone. Separate waits would need 300.
    assert len(roomy.requests) - before <= 20, asked(roomy, before)
