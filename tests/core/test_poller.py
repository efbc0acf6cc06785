"""Concurrent waits of one client: one of them polls for all, and none can affect the others."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from conftest import Connect
from musicai_sdk import CustomWorkflow, Job, MusicAiClient
from musicai_sdk.errors import AuthenticationError, ConfigurationError, NotFoundError, WaitTimeoutError
from musicai_sdk.models import JobState
from musicai_sdk.sandbox import Sandbox
from support.colours import Colour
from support.job_service import JobService, plain_pages, serving

Outcome = Job[Any] | BaseException


def together(
    sandbox: Sandbox, colour: Colour, asked: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[Outcome]:
    """Waits concurrently, in threads or in tasks, on one client. Returns the outcome of each wait."""
    if colour == "sync":
        with sandbox.client(job_monitor_interval=0.1) as client, ThreadPoolExecutor(len(asked)) as pool:

            def wait(job_id: str, options: Mapping[str, Any]) -> Job[Any]:
                return client.jobs.wait(job_id, **options)

            futures = [pool.submit(wait, job_id, options) for job_id, options in asked]
            return [future.exception() or future.result() for future in futures]

    async def main() -> list[Outcome]:
        async with sandbox.async_client(job_monitor_interval=0.1) as client:
            waits = [client.jobs.wait(job_id, **options) for job_id, options in asked]
            return list(await asyncio.gather(*waits, return_exceptions=True))

    return asyncio.run(main())


@pytest.fixture
def jobs(sandbox: Sandbox) -> list[str]:
    """Ids of jobs that end after two polls."""
    with sandbox.client() as client:
        file = client.files.upload(b"any bytes")
        sandbox.transition = "polls:2"
        return [client.jobs.create(CustomWorkflow("sdk-test", {"file": file})).id for _ in range(5)]


def polls(sandbox: Sandbox) -> int:
    return sum(entry.method == "GET" and entry.path.startswith("/v1/job") for entry in sandbox.requests)


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        await asyncio.sleep(0.01)


def kinds(outcomes: Sequence[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def test_every_waiter_gets_its_own_job(sandbox: Sandbox, colour: Colour, jobs: list[str]) -> None:
    told: dict[str, list[str]] = {job_id: [] for job_id in jobs}

    def tell(state: JobState) -> None:
        told[state.id].append(state.status)

    done = together(sandbox, colour, [(job_id, {"on_update": tell}) for job_id in jobs])
    assert [job.id for job in done if isinstance(job, Job) and job.succeeded] == jobs
    assert {statuses[-1] for statuses in told.values()} == {"SUCCEEDED"}
    assert all(len(statuses) == len(set(statuses)) for statuses in told.values())


def test_one_job_can_be_waited_for_twice(sandbox: Sandbox, colour: Colour, jobs: list[str]) -> None:
    none: dict[str, Any] = {}
    done = together(sandbox, colour, [(jobs[0], none)] * 3)
    assert [job.id for job in done if isinstance(job, Job)] == [jobs[0]] * 3


def test_a_missing_job_ends_only_its_own_wait(sandbox: Sandbox, colour: Colour, jobs: list[str]) -> None:
    with sandbox.client() as other:

        def delete(_state: JobState) -> None:
            with suppress(NotFoundError):
                other.jobs.delete(jobs[1])

        asked: list[tuple[str, dict[str, Any]]] = [(job_id, {}) for job_id in (*jobs, "nothing")]
        asked[0] = (jobs[0], {"on_update": delete})
        outcomes = together(sandbox, colour, asked)
    assert kinds(outcomes) == [Job, NotFoundError, Job, Job, Job, NotFoundError]


def test_a_deadline_ends_only_its_own_wait(sandbox: Sandbox, colour: Colour, jobs: list[str]) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [(job_id, {}) for job_id in jobs]
    asked[0] = (jobs[0], {"timeout": 0})
    asked[1] = ("nothing", {"timeout": 0})
    sandbox.faults.add("GET /job/nothing/status", status=503)
    outcomes = together(sandbox, colour, asked)
    assert kinds(outcomes) == [WaitTimeoutError, WaitTimeoutError, Job, Job, Job]


def test_a_callback_that_raises_ends_only_its_own_wait(
    sandbox: Sandbox, colour: Colour, jobs: list[str]
) -> None:
    def fail(state: JobState) -> None:
        raise LookupError(state.id)

    # The first one polls for all; when it fails, another one must take over.
    outcomes = together(
        sandbox, colour, [(job_id, {"on_update": fail} if job_id == jobs[0] else {}) for job_id in jobs]
    )
    assert kinds(outcomes) == [LookupError, Job, Job, Job, Job]


def test_a_wrong_key_ends_all_at_once(sandbox: Sandbox, colour: Colour, jobs: list[str]) -> None:
    sandbox.faults.add("GET /job*", status=401)
    before = polls(sandbox)
    outcomes = together(sandbox, colour, [(job_id, {}) for job_id in jobs])
    assert kinds(outcomes) == [AuthenticationError] * len(jobs)
    assert len({id(outcome) for outcome in outcomes}) == len(jobs), "each waiter its own"
    assert polls(sandbox) - before <= len(jobs)


def test_temporary_errors_end_no_wait(sandbox: Sandbox, colour: Colour, jobs: list[str]) -> None:
    sandbox.faults.add("GET /job*", status=503, times=5)
    assert kinds(together(sandbox, colour, [(job_id, {}) for job_id in jobs])) == [Job] * len(jobs)


def test_an_unreadable_page_hides_no_job(sandbox: Sandbox, colour: Colour, jobs: list[str]) -> None:
    sandbox.faults.add("GET /job", body=[{"id": "x"}])
    assert kinds(together(sandbox, colour, [(job_id, {}) for job_id in jobs])) == [Job] * len(jobs)


def test_jobs_deep_in_the_list_are_requested_one_by_one(sandbox: Sandbox, jobs: list[str]) -> None:
    sandbox.transition = "immediate"
    with sandbox.client() as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(client.jobs.create, [CustomWorkflow("sdk-test", {})] * 210))
        before = len(sandbox.requests)
        assert all(job.succeeded for job in client.jobs.wait_all(jobs[:2], poll_interval=0.05))
    lists = [entry for entry in sandbox.requests[before:] if entry.path == "/v1/job"]
    assert len(lists) == 2, "two pages once, and then no more"


def test_waits_with_own_headers_are_not_shared(sandbox: Sandbox, colour: Colour, jobs: list[str]) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [(job_id, {}) for job_id in jobs]
    asked[0] = (jobs[0], {"headers": {"x-mine": "1"}, "request_timeout": 5})
    before = len(sandbox.requests)
    assert kinds(together(sandbox, colour, asked)) == [Job] * len(jobs)
    mine = [entry.path for entry in sandbox.requests[before:] if entry.headers.get("x-mine")]
    assert {path.split("/")[3] for path in mine} == {jobs[0]}
    with sandbox.client() as client, pytest.raises(TypeError, match="no option 'header'"):
        client.jobs.wait(jobs[0], header={})  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]


def test_waits_and_wait_all_share(sandbox: Sandbox, jobs: list[str]) -> None:
    with sandbox.client() as client, ThreadPoolExecutor(4) as pool:
        before = polls(sandbox)
        whole = [pool.submit(client.jobs.wait_all, jobs) for _ in range(2)]
        single = [pool.submit(client.jobs.wait, job_id) for job_id in jobs[:2]]
        assert [[job.id for job in each.result()] for each in whole] == [jobs, jobs]
        assert [each.result().id for each in single] == jobs[:2]
        assert polls(sandbox) - before <= 8


@pytest.mark.parametrize("closing", ["closed", "lead and closed"])
def test_closing_a_client_ends_its_waits(
    sandbox: Sandbox, colour: Colour, jobs: list[str], closing: str
) -> None:
    """Also long sleeps, while the deadline of the polling waiter is far away."""
    sandbox.transition = "after:1000"
    headers = {"x-mine": "1"} if closing == "closed" else {}
    seen = threading.Event()

    def started(_state: JobState) -> None:
        seen.set()

    if colour == "sync":
        client = sandbox.client()
        with ThreadPoolExecutor(3) as pool:
            created = client.jobs.create(CustomWorkflow("sdk-test", {"file": client.files.upload(b"any")}))
            futures = [pool.submit(client.jobs.wait, created, on_update=started) for _ in range(2)]
            futures.append(pool.submit(client.jobs.wait, created, headers=headers))
            assert seen.wait(30)
            client.close()
            outcomes = [future.exception() for future in futures]
    else:

        async def main() -> list[BaseException | None]:
            client = sandbox.async_client()
            created = await client.jobs.create(
                CustomWorkflow("sdk-test", {"file": await client.files.upload(b"any")})
            )
            tasks = [asyncio.create_task(client.jobs.wait(created, on_update=started)) for _ in range(2)]
            tasks.append(asyncio.create_task(client.jobs.wait(created, headers=headers)))
            await until(seen.is_set)
            await client.close()
            await asyncio.wait(tasks)
            return [task.exception() for task in tasks]

        outcomes = list(asyncio.run(main()))
    assert [type(outcome) for outcome in outcomes] == [ConfigurationError] * 3


@pytest.mark.parametrize("when", ["asleep", "in a request"])
def test_a_cancelled_task_leaves_the_others_waiting(sandbox: Sandbox, jobs: list[str], when: str) -> None:
    async def main() -> list[Outcome]:
        async with sandbox.async_client(job_monitor_interval=0.1) as client:
            tasks = [asyncio.create_task(client.jobs.wait(job_id)) for job_id in jobs]
            await until(lambda: fault.hits if when == "in a request" else polls(sandbox) > before)
            tasks[0].cancel()  # it polls for all
            return list(await asyncio.gather(*tasks, return_exceptions=True))

    before = polls(sandbox)
    fault = sandbox.faults.add("GET /job*", nth=1 if when == "in a request" else 1000, hang="before")
    assert kinds(asyncio.run(main())) == [asyncio.CancelledError, Job, Job, Job, Job]


def test_a_wait_on_another_loop_is_a_clear_error(sandbox: Sandbox) -> None:
    client = sandbox.async_client()

    async def use() -> None:
        await client.application.get()

    async def wait() -> None:
        await client.jobs.wait("j")

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(use())
        with pytest.raises(ConfigurationError, match="another event loop"):
            second.run(wait())
        first.run(client.close())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_polls_for_itself(sandbox: Sandbox, jobs: list[str]) -> None:
    sandbox.transition = "after:1000"
    seen = threading.Event()
    with sandbox.client() as client, ThreadPoolExecutor(1) as pool:
        created = client.jobs.create(CustomWorkflow("sdk-test", {"file": client.files.upload(b"any")}))
        parents = pool.submit(client.jobs.wait, created, on_update=lambda _: seen.set())
        assert seen.wait(30)
        child = os.fork()
        if child == 0:
            good = False
            try:
                good = all(job.succeeded for job in client.jobs.wait_all(jobs, timeout=30))
            finally:
                os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        sandbox.clock.advance(1000)
        assert parents.result().succeeded


@pytest.mark.parametrize("status", [302, 400])
def test_a_refused_list_is_replaced_by_single_requests(
    client: MusicAiClient, sandbox: Sandbox, status: int
) -> None:
    jobs = [
        client.jobs.create(CustomWorkflow("sdk-test", {"file": "http://127.0.0.1:9/none"})) for _ in range(3)
    ]
    sandbox.faults.add("GET /job", status=status)
    assert [job.id for job in client.jobs.wait_all(jobs)] == [job.id for job in jobs]


def test_a_failure_is_confirmed_by_the_job_itself(connect: Connect) -> None:
    """Lists may be older than the job, or show it twice."""
    with serving(JobService()) as service:
        for number in range(3):
            service.deliver({"workflow": "a/b"}, id=f"j{number}")
        service.jobs[1].update(status="FAILED", error={"code": "BAD_INPUT"})
        stale = {"status": "FAILED", "result": None, "error": None}
        service.paging = lambda jobs, page, size: [
            each for job in plain_pages(jobs, page, size) for each in (job, {**job, **stale})
        ]
        client = connect(base_url=service.base_url)
        jobs = client.jobs.wait_all(["j0", "j1", "j2"], timeout=30)
        assert [job.status for job in jobs] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
        assert jobs[1].failure.code == "BAD_INPUT"
        assert jobs[0].outputs == {"bpm": "120"}
        fetched = sorted(each for each in service.requests if each.startswith("GET /v1/job/"))
        assert fetched == [f"GET /v1/job/j{number}" for number in range(3)], "one request for each failure"


def test_a_job_that_seemed_to_have_failed_is_awaited(connect: Connect) -> None:
    with serving(JobService()) as service:
        for number in range(2):
            service.deliver({"workflow": "a/b"}, id=f"j{number}", status="STARTED")
        service.listed = lambda job: {**job, "status": "FAILED"}
        asked = list[str]()

        def fetched(job: dict[str, Any]) -> dict[str, Any]:
            asked.append(job["id"])
            return {**job, "status": "SUCCEEDED" if asked.count(job["id"]) > 2 else "STARTED"}

        service.fetched = fetched
        client = connect(base_url=service.base_url, job_monitor_interval=0.1)
        assert all(job.succeeded for job in client.jobs.wait_all(["j0", "j1"], timeout=60))
