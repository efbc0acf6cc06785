"""The simulation itself: time, kills, the network and the service behave as documented."""

from __future__ import annotations

import json
from asyncio import CancelledError
from collections.abc import Coroutine
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from musicai_sdk._io.protocol import Request, Response, send
from musicai_sdk.errors import ConnectionFailedError, RequestTimeoutError
from musicai_sdk.models.job import IDEMPOTENCY_KEY
from musicai_sdk.sandbox.faults.quirks import Quirks
from simulation.core import run
from simulation.io import FAULTS, Fault, Network, SimulatedIO
from simulation.service import Service, Traffic
from simulation.world import Flag, NeverEndsError, Pause, Process, World

BODY = json.dumps(
    {"name": "n", "workflow": "acme", "params": {}, "metadata": {IDEMPOTENCY_KEY: "k"}}
).encode()
POST = Request("api", "POST", "https://h/v1/job", body=BODY, timeout=60.0)


def service(world: World, quirks: Quirks | None = None) -> Service:
    return Service(world, quirks or Quirks(), Traffic(), (1.0, 1.0), 0.0)


def ended(world: World, work: Coroutine[Any, Any, Any], **options: Any) -> Process[Any]:
    process = Process[Any](world, "p", lambda _: work, **options)
    world.run()
    return process


def test_time_passes_only_when_something_waits() -> None:
    world = World(1)
    moments = list[float]()

    async def work(seconds: float) -> None:
        for _ in range(2):
            await world.sleep(seconds)
            moments.append(world.now)

    Process[None](world, "p", lambda _: work(3600))
    Process[None](world, "p", lambda _: work(5000))
    world.run()
    assert moments == [3600, 5000, 7200, 10000]


def test_each_task_has_a_context_of_its_own() -> None:
    world = World(1)
    name = ContextVar("name", default="")
    seen = list[str]()

    async def work(own: str, seconds: float) -> None:
        token = name.set(own)
        await world.sleep(seconds)
        seen.append(name.get())
        name.reset(token)

    Process[None](world, "a", lambda _: work("a", 1))
    Process[None](world, "b", lambda _: work("b", 2))
    world.run()
    assert (seen, name.get()) == (["a", "b"], "")


def test_nothing_runs_after_a_kill() -> None:
    world = World(1)
    seen = list[str]()

    async def work() -> None:
        try:
            await world.sleep(1)
            seen.append("between")
            await world.sleep(1)
            seen.append("after")
        finally:
            seen.append("finally")

    process = ended(world, work(), kill_at=2)
    assert process.end is not None
    assert (process.end.how, seen) == ("killed", ["between"])
    process.close()


def test_a_cancellation_can_be_cleaned_up_after() -> None:
    world = World(1)
    seen = list[str]()

    async def work() -> None:
        try:
            await world.sleep(100)
        except CancelledError:
            await world.sleep(1)
            seen.append(f"cleaned up at {world.now}")
            raise

    process = ended(world, work(), cancel_at=1)
    assert process.end is not None
    assert (process.end.how, seen) == ("cancelled", ["cleaned up at 1.0"])


def test_an_endless_wait_is_detected() -> None:
    world = World(1)

    async def work() -> None:
        while True:
            await world.sleep(0)

    with pytest.raises(NeverEndsError):
        ended(world, work())


def test_gather_keeps_to_its_limit_and_raises_the_first_error() -> None:
    world = World(1)
    running, most = [0], [0]
    done = list[int]()

    async def one(number: int) -> int:
        running[0] += 1
        most[0] = max(most)
        most.append(running[0])
        await world.sleep(number)
        running[0] -= 1
        done.append(number)
        if number == 3:
            raise ConnectionFailedError("x", sent=True)
        return number

    async def gathered(process: Process[Any], numbers: list[int]) -> list[int]:
        return await process.gather([partial(one, number) for number in numbers], 2)

    whole = Process[Any](world, "p", lambda process: gathered(process, [5, 1, 2, 4]))
    world.run()
    assert whole.end is not None
    assert (whole.end.value, max(most)) == ([5, 1, 2, 4], 2)
    done.clear()
    broken = Process[Any](world, "p", lambda process: gathered(process, [3, 4, 6, 7]))
    world.run()
    assert broken.end is not None
    assert isinstance(broken.end.error, ConnectionFailedError)
    assert done == [3, 4], "no further task begins"


def test_a_flag_or_a_time_whichever_comes_first() -> None:
    world = World(1)
    flag = Flag()
    world.at(3, flag.raise_)

    async def work() -> list[float]:
        moments = list[float]()
        for until in (2.0, 9.0, None):
            await Pause(until, flag)
            moments.append(world.now)
        return moments

    process = ended(world, work())
    assert process.end is not None
    assert process.end.value == [2, 3, 3]


def test_a_sent_request_arrives_although_the_program_is_killed() -> None:
    world = World(1)
    theirs = service(world)
    process = Process[Any](world, "p", lambda me: send(SimulatedIO(me, theirs, Network()), POST), kill_at=1)
    world.run()
    assert process.end is not None
    assert (process.end.how, len(theirs.paid)) == ("killed", 1)
    process.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault: Fault) -> None:
    world = World(1)
    theirs = service(world)
    network = Network(share=1.0, faults=(fault,), latest=30.0)
    process = Process[Response](world, "p", lambda me: send(SimulatedIO(me, theirs, network), POST))
    world.run()
    assert process.end is not None
    answer = process.end.value
    acts = fault in ("reset_acted", "late", "silence", "504_acted", "302_acted", "page", "cut")
    assert len(theirs.paid) == acts
    match fault:
        case "503" | "504_acted" | "302" | "302_acted" | "429":
            assert answer is not None
            assert answer.status == int(fault[:3])
        case "page":
            assert answer is not None
            assert (answer.status, answer.body[:6]) == (200, b"<html>")
        case "silence":
            assert isinstance(process.end.error, RequestTimeoutError)
            assert world.now > 60
        case _:
            assert isinstance(process.end.error, ConnectionFailedError)
            assert process.end.error.sent == (fault != "refused")


def test_the_service_is_as_odd_as_the_sandbox() -> None:
    world = World(1)
    quirks = Quirks(page_limit=1, list_lag=5, list_order="oldest", metadata="null", delete_status=204)
    theirs = service(world, quirks)

    def listed(page: int) -> Any:
        status, body = theirs.answer("p", "GET", "/job", f"page={page}&size=100", None)
        assert status == 200
        return json.loads(body)

    ids = [json.loads(theirs.answer("p", "POST", "/job", "", BODY)[1])["id"] for _ in range(2)]
    assert listed(0) == []
    world.now = 6.0
    assert [[job["id"] for job in listed(page)] for page in range(3)] == [[ids[0]], [ids[1]], []]
    assert listed(0)[0]["metadata"] is None
    assert json.loads(theirs.answer("p", "GET", f"/job/{ids[0]}", "", None)[1])["status"] == "SUCCEEDED"
    assert theirs.answer("p", "DELETE", f"/job/{ids[0]}", "", None) == (204, b"")
    assert theirs.answer("p", "GET", f"/job/{ids[0]}/status", "", None)[0] == 404


def test_a_seed_is_reproducible() -> None:
    for seed in range(20):
        first, again = run(seed, traced=True), run(seed, traced=True)
        assert first.trace == again.trace
        assert first.trace
